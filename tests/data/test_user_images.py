"""A user's own data: surveyed without decoding, decoded, refused in one sentence."""

import hashlib
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from selflabel.data import built_in, decoding, duplicates, sources, user_images

RNG = np.random.default_rng(0)


def write(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (20, 10, 3), np.uint8)).save(folder / path, "PNG")
    return folder


def error(function, *arguments, **options):
    with pytest.raises(ValueError) as found:
        function(*arguments, **options)
    return str(found.value)


def test_there_is_a_reader_for_each_kind_that_parameters_name():
    assert user_images.READERS.keys() == sources.OWN.keys()


def test_a_survey_counts_and_opens_no_image(tmp_path):
    folder = write(tmp_path, "cat/a.png", "cat/b.png", "dog/c.png", "d.png", "test/cat/e.png")
    (folder / "dog" / "not an image").write_text("hello")
    (folder / ".hidden").write_text("")
    found = user_images.survey("folder", str(folder))
    assert user_images.given(found) == {"cat": 2, "dog": 2}
    assert [problem.path for problem in found.problems] == [".hidden"]
    assert [entry.split for entry in found.entries].count("pool") == 5


TWO_CLASSES = (
    "there must be at least 2 classes, each a label that is given, or a folder of the folder, or one of "
    "dataset.classes (`selflabel init DIR --classes cat,dog`), got"
)


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        ([], "the pool must have at least 2 different images that can be used, got 0"),
        (["cat/a", "test/dog/b"], "the pool must have at least 2 different images that can be used, got 1"),
        (["cat/a", "cat/b"], f"{TWO_CLASSES} cat"),
        (["a", "b"], f"{TWO_CLASSES} none"),
        (
            ["cat/a", "cat/b", "test/dog/a", "test/x/a"],
            "each class must be the given label of at least one image of the pool, got none for dog, x",
        ),
        (["cat/a", "Cat/b"], "classes must differ by more than case and spaces, got 'Cat' and 'cat'"),
        (["cat/a", "test/Cat/b"], "classes must differ by more than case and spaces, got 'Cat' and 'cat'"),
        (["skip/a", "dog/b"], "a class must have a name, and another one than skip or actual, got 'skip'"),
    ],
)
def test_what_cannot_be_enough_is_refused_in_one_sentence(tmp_path, paths, sentence):
    assert error(user_images.survey, "folder", str(write(tmp_path, *paths))) == sentence


def test_decoding_gives_hashes_of_the_files_and_reasons(tmp_path):
    folder = write(tmp_path, *(f"cat/{n:03}.png" for n in range(70)), "dog/a.png")
    (folder / "cat" / "005.png").write_bytes(b"")
    found = user_images.listed("folder", str(folder))
    seen = []
    results = []
    for size, colour in ((8, False), (9, True)):
        target = np.zeros((len(found.entries), size, size, *[3] * colour), np.uint8)
        results.append(
            user_images.decode(found.entries, target, max_pixels=1000, progress=lambda x: seen.append(len(x)) or x)
        )
        for n in (0, 69):
            data = Path(found.entries[n].source).read_bytes()
            expected = decoding.decode(data, size=size, colour=colour, max_pixels=1000)
            np.testing.assert_array_equal(target[n], expected)
            assert results[-1][0][n] == hashlib.blake2b(data, digest_size=16).hexdigest()
    assert results[0] == results[1]
    hashes, reasons = results[0]
    assert [(n, reason) for n, reason in enumerate(reasons) if reason] == [(5, "zero bytes")]
    assert hashes[5] == "" and len({*hashes}) == 71
    assert seen == [3, 3]


def test_a_file_that_may_not_be_read_or_is_gone_is_a_reason(tmp_path, monkeypatch):
    found = user_images.listed("folder", str(write(tmp_path, "cat/a.png", "dog/b.png")))
    Path(found.entries[0].source).unlink()

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    target = np.zeros((2, 8, 8), np.uint8)
    assert user_images.decode(found.entries, target, max_pixels=1000)[1] == ["no such file", ""]
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert user_images.decode(found.entries, target, max_pixels=1000)[1] == ["no permission", "no permission"]


def test_what_pillow_remarks_on_reaches_nobody(tmp_path):
    folder = write(tmp_path, "a.png", "b.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "a.png", exif=b"Exif\0\0nonsense")
    found = user_images.listed("folder", str(folder))
    with warnings.catch_warnings(record=True, action="always") as seen:
        assert user_images.decode(found.entries, np.zeros((2, 8, 8), np.uint8), max_pixels=1000)[1] == ["", ""]
    assert not seen


def test_arrays_have_the_hash_of_their_shape_and_bytes_before_any_change(tmp_path):
    images = RNG.integers(0, 256, (3, 10, 12, 3), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array(["cat", "dog", ""]))
    found = user_images.survey("npz", str(tmp_path / "a.npz"))
    target = np.zeros((3, 8, 8), np.uint8)
    hashes, reasons = user_images.decode(found.entries, target, max_pixels=1000)
    assert hashes == built_in.content_hashes(images)
    assert reasons == [""] * 3
    np.testing.assert_array_equal(target[1], decoding.fit(images[1], size=8, colour=False))


def test_problems_stop_or_are_counted(tmp_path):
    folder = write(tmp_path, "cat/a.png", "dog/b.png", "cat/c.png")
    (folder / "cat" / "d.png").write_bytes((folder / "cat" / "a.png").read_bytes())
    (folder / "dog" / "x y.png").write_bytes(b"hello")
    (folder / ".z").write_text("")
    found = user_images.listed("folder", str(folder))
    settled = duplicates.settle(
        found, *user_images.decode(found.entries, np.zeros((5, 8, 8), np.uint8), max_pixels=1000)
    )
    assert user_images.refused(settled, on_error="skip", place="p.csv") == 1
    assert error(user_images.refused, settled, on_error="stop", place="p.csv") == (
        "1 of 5 files cannot be used, the first: dog/x y.png (not an image); p.csv lists all; "
        "dataset.on_error=skip goes on without them"
    )
    assert user_images.table(settled.problems) == {
        "path": [".z", "cat/d.png", "dog/x y.png"],
        "reason": ["hidden file", "the same as cat/a.png", "not an image"],
        "action": ["ignored", "kept", "refused"],
    }
    kept = settled._replace(problems=[problem for problem in settled.problems if problem.action == "kept"])
    assert user_images.refused(kept, on_error="stop", place="p.csv") == 0


def png(value):
    target = BytesIO()
    Image.new("L", (9, 9), value).save(target, "PNG")
    return target.getvalue()


# An image by its grey level; what is none with the reason.
GOOD = {value: png(value) for value in (0, 100, 200)}
BAD = {b"": "zero bytes", b"hello": "not an image", GOOD[0][:48]: "truncated"}
PLACES = st.sampled_from(["", "cat/", "cat/in side/", "dog/", "unlabelled/", "test/cat/", "test/dog/"])
CONTENTS = st.sampled_from([*GOOD.values(), *BAD])


@settings(max_examples=50)
@given(st.dictionaries(st.tuples(PLACES, st.sampled_from(["a", 'b "é', "c\n,"])), CONTENTS, max_size=12))
def test_every_image_goes_into_the_pool_or_the_test_images_and_every_other_file_is_listed(tmp_path_factory, contents):
    folder = tmp_path_factory.mktemp("own")
    for (place, name), data in contents.items():
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / f"{place}{name}.png").write_bytes(data)
    found = user_images.listed("folder", str(folder))
    images = np.full((len(found.entries), 9, 9), 7, np.uint8)
    settled = duplicates.settle(found, *user_images.decode(found.entries, images, max_pixels=100))
    written = {f"{place}{name}.png": data for (place, name), data in contents.items()}
    refused = {problem.path: problem.reason for problem in settled.problems if problem.action == "refused"}
    assert refused == {path: BAD[data] for path, data in written.items() if data in BAD}
    rows = [*settled.entries.values(), settled.copies[:, 0]]
    used = {found.entries[n].path: images[n] for each in rows for n in each.tolist()}
    assert used.keys() == written.keys() - refused.keys()
    for path, image in used.items():
        assert GOOD[int(image[0, 0])] == written[path]
        assert (image == image[0, 0]).all()


def test_a_pool_of_one_and_the_same_image_is_told_before_anything_is_decoded(tmp_path):
    for number in range(3):
        for name in ("cat", "dog"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{number}.png").write_bytes(b"the same")
    with pytest.raises(ValueError, match="the pool must have at least 2 different images, got the same one only"):
        user_images.survey("folder", str(tmp_path))
    (tmp_path / "cat/0.png").write_bytes(b"not same")
    assert len(user_images.survey("folder", str(tmp_path)).entries) == 6
