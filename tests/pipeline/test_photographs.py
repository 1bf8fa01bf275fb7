"""Coloured pictures: the network that init chooses, networks and vectors of one's own, and what is played again."""

import hashlib
import json

import numpy as np
import pytest
from browsing import write_pictures
from in_process import InProcess, StageError

from selflabel import files
from selflabel.config import init

pytestmark = pytest.mark.xdist_group("photographs")
BEFORE = ("code", "check", "download", "embed", "features", "graph")


@pytest.fixture(scope="module")
def _photographs(_in_process: InProcess, tmp_path_factory) -> InProcess:
    """240 coloured pictures, six of each class given, and the project before its rounds."""
    folder = tmp_path_factory.mktemp("photographs")
    write_pictures(folder / "pictures", [f"digit {n}" for n in range(10)])
    project = _in_process.copy(folder / "project")
    told = project.tool("init", str(folder / "pictures"))
    assert "features.extractor is efficientnet_lite0: coloured images of 64 pixels a side" in told
    project.play(*BEFORE)
    return project


@pytest.fixture
def project(_photographs, tmp_path) -> InProcess:
    return _photographs.copy(tmp_path / "project")


def vectors(project, name):
    return np.load(project.folder / f"data/embeddings/{name}_pool.npy")


def test_a_network_sees_the_original_files_and_writes_the_same_bytes_again(project):
    before = project.bytes_of("data/embeddings", "data/features", "data/graph")
    project.play("embed", "features", "graph", force=True)
    assert project.bytes_of("data/embeddings", "data/features", "data/graph") == before
    assert vectors(project, "efficientnet_lite0").shape == (240, 1280)
    facts = json.loads((project.folder / "data/embeddings/networks.json").read_text())
    assert facts["efficientnet_lite0"]["sha256"].startswith("579344248a93e230")
    # The pool's own small pictures play no part.
    project.set(dataset={"image_size": 16})
    project.play("check", "download", "embed")
    after = project.bytes_of("data/embeddings")
    assert after == {name: data for name, data in before.items() if "embeddings" in name}


def test_other_components_do_not_run_the_network_again_but_another_size_does(project):
    project.set(features={"components": 32})
    assert "embed" not in project.stages_played(*BEFORE)
    assert np.load(project.folder / "data/features/pool.npy").shape == (240, 32)
    project.set(features={"efficientnet_lite0": {"size": 64}})
    assert "embed" in project.stages_played(*BEFORE)


def test_a_network_of_ones_own_is_run_and_its_digest_kept(project):
    import onnx
    from onnx import TensorProto, helper

    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)]
    graph = helper.make_graph(
        nodes, "means", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
    )  # fmt: skip
    path = project.folder / "embeddings/means.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    options = {"path": "embeddings/means.onnx", "output": "", "size": 32, "mean": [0.0] * 3, "std": [1.0] * 3,
               "resize": "fit", "layout": "nchw"}  # fmt: skip
    project.set(features={"extractor": ["onnx", "colour_histogram"], "onnx": options})
    assert "embed: onnx: 3 numbers an image" in project.play(*BEFORE)
    images = np.load(project.folder / "data/raw/pool_images.npy")
    np.testing.assert_allclose(vectors(project, "onnx"), images.mean(axis=(1, 2)) / 255, atol=5e-3)
    facts = json.loads((project.folder / "data/embeddings/networks.json").read_text())
    assert facts["onnx"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert np.load(project.folder / "data/features/pool.npy").shape[1] > 3


def test_vectors_of_ones_own_are_found_by_path(project):
    index = files.read_table(project.folder / "data/raw/index.csv")
    order = np.random.default_rng(0).permutation(240)
    own = np.random.default_rng(1).normal(size=(240, 5)).astype(np.float32)
    files.write_array(project.folder / "embeddings/vectors.npy", own[order])
    files.write_table(project.folder / "embeddings/vectors.csv", {"path": index["path"][order].tolist()})
    project.set(features={"extractor": "precomputed"})
    project.play(*BEFORE)
    np.testing.assert_allclose(vectors(project, "precomputed"), own, atol=1e-2)
    files.write_table(project.folder / "embeddings/vectors.csv", {"path": [*index["path"][order[1:]].tolist(), "gone"]})
    with pytest.raises(StageError, match=f"got none for 1: {index['path'][order[0]]}"):
        project.play(*BEFORE)


def test_a_keras_file_is_run_and_weights_that_cannot_be_had_are_told_in_a_sentence(project, monkeypatch):
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D()])
    model.save(project.folder / "embeddings/means.keras")
    options = {"model": "embeddings/means.keras", "size": 32, "resize": "fit"}
    project.set(features={"extractor": "keras", "keras": options})
    assert "embed: keras: 3 numbers an image" in project.play(*BEFORE)
    images = np.load(project.folder / "data/raw/pool_images.npy")
    np.testing.assert_allclose(vectors(project, "keras"), images.mean(axis=(1, 2)), rtol=5e-3, atol=1.5)

    def unreachable(*_args, **_options):
        raise Exception("URL fetch failure: no route to host")

    monkeypatch.setattr(keras.src.utils.file_utils, "get_file", unreachable)
    project.set(features={"keras": options | {"model": "MobileNetV3Small"}})
    with pytest.raises(StageError, match=r"the weights of MobileNetV3Small must be reachable.*no route to host"):
        project.play(*BEFORE)
    project.set(features={"keras": options | {"model": "NoSuchNet"}})
    with pytest.raises(
        StageError, match=r"features\.keras\.model must be a model of keras\.applications, .*'NoSuchNet'"
    ):
        project.play(*BEFORE)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("onnx", {"path": "embeddings/none.onnx"}, "features.onnx.path must be a file .onnx in the folder embeddings"),
        ("onnx", {"path": "params.yaml"}, "features.onnx.path must be a file .onnx in the folder embeddings"),
        ("precomputed", {"path": "../vectors.npy"}, "features.precomputed.path must be a file .npy or .parquet in the"),
        ("keras", {"model": "none.keras"}, "features.keras.model must be a file .keras in the folder embeddings"),
    ],
)
def test_a_file_that_is_not_in_the_folder_embeddings_is_refused_before_anything_runs(project, name, options, words):
    import yaml

    tree = yaml.safe_load((project.folder / "params.yaml").read_text())["features"][name]
    project.set(features={"extractor": name, name: tree | options})
    with pytest.raises(StageError, match=words):
        project.play("check")


def test_without_what_runs_networks_init_says_what_would_be_better(monkeypatch):
    data = init.OwnData("folder", "p", 100, {"cat": 5, "dog": 5}, side=500, is_colour=True)
    monkeypatch.setattr(init, "can_run_networks", lambda: False)
    assert init.settings(data)["features.extractor"] == ["hog_fine", "hog_coarse"]
    assert "pip install 'selflabel[photographs]'" in init.why(data)
    small = data._replace(side=28, is_colour=False)
    assert init.why(small).endswith("grey images of 28 pixels a side are told apart by their shapes")
