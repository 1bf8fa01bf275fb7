"""Names of folders and files, and the images in them."""

import hashlib
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from selflabel.export import folders

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.sampled_from(
    ["test", "Test", "unlabelled", "%74est", ".", "..", "a/b", "a%2Fb", "a\\b", "\n", "."]
)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("T-shirt/top", "T-shirt%2Ftop"), ("100 %", "100 %25"), ("..", "%2E."), (".git", "%2Egit"), ("a\nb", "a%0Ab"),
        ("unlabelled", "%75nlabelled"), ("Test", "%54est"), ("tests", "tests"), ("Füße", "Füße"), ("a\\b", "a%5Cb"),
    ],
)  # fmt: skip
def test_a_folder_is_called_after_its_class_as_far_as_a_folder_can_be(name, folder):
    assert folders.escaped(name) == folder


@given(NAMES)
def test_a_folders_name_tells_the_class_and_so_two_never_share_one(name):
    folder = folders.escaped(name)
    assert unquote(folder) == name
    assert "/" not in folder and not folder.startswith(".") and folder not in ("test", "unlabelled")


def test_the_same_image_twice_has_two_names():
    assert folders.file_names(["a", "b", "a", "a"], [".png", ".jpg", ".png", ""]) == [
        "a.png",
        "b.jpg",
        "a-2.png",
        "a-3",
    ]


@pytest.mark.parametrize(
    ("file", "ending"), [("a/b.JPG", ".JPG"), ("a.tar.gz", ".gz"), ("a", ""), ("a.p ng", ""), ("a." + "x" * 99, "")]
)
def test_an_ending_is_kept_if_it_is_a_plain_one(tmp_path, file, ending):
    assert folders.ending(tmp_path / file) == ending


def test_only_what_is_wanted_has_a_place():
    labels, names = ["a/b", ""], ["1.png", "2.png"]
    assert folders.places(labels, names, tree=False, imagefolder=False) == {}
    both = folders.places(labels, names, tree=True, imagefolder=True)
    assert both == {
        "imagefolder": ["imagefolder/train/1.png", "imagefolder/train/2.png"],
        "folders": ["folders/a%2Fb/1.png", "folders/unlabelled/2.png"],
    }
    # The first is the one that the tables name.
    assert next(iter(both)) == "imagefolder"


def test_the_metadata_name_the_file_first_and_no_path():
    assert folders.metadata({"hash": ["h"], "path": ["p"], "label": ["l"]}, ["n"]) == {
        "file_name": ["n"], "hash": ["h"], "label": ["l"]
    }  # fmt: skip


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3)])
def test_an_array_becomes_a_png_of_the_same_pixels_and_always_of_the_same_bytes(tmp_path, shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for name in ("a.png", "b.png"):
        folders.write(tmp_path / "new" / name, image, "no hash of a file", is_link=False)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new/a.png")), image)
    assert (tmp_path / "new/a.png").read_bytes() == (tmp_path / "new/b.png").read_bytes()


@pytest.mark.parametrize("is_link", [False, True])
def test_an_own_file_is_copied_or_linked_if_it_is_still_the_same(tmp_path, monkeypatch, is_link):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own.jpg"
    own.write_bytes(b"bytes")
    key = hashlib.blake2b(b"bytes", digest_size=16).hexdigest()
    for file in (own, own.relative_to(tmp_path)):
        target = tmp_path / "tree/class/copy.jpg"
        folders.write(target.relative_to(tmp_path), file, key, is_link=is_link)
        assert target.read_bytes() == b"bytes"
        assert target.is_symlink() == is_link
        assert not is_link or target.readlink().is_absolute() == file.is_absolute()
    own.write_bytes(b"others")
    with pytest.raises(ValueError, match="must be the image that was labelled, got other bytes"):
        folders.write(target, own, key, is_link=is_link)
