"""Listing a user's files: each is an entry or a problem, and no image is opened."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selflabel.data import listing


def make(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def entries(found):
    return [entry[:3] for entry in found.entries]


def problems(found):
    return {problem.path: problem.reason for problem in found.problems}


def forbid(monkeypatch, name):
    """Let no folder of this name be read; root may read everything."""
    scandir = os.scandir

    def refusing(path):
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_folders_are_classes_and_what_is_in_none_has_no_label(tmp_path):
    found = listing.folder(
        make(tmp_path, "dog/a.png", "cat/deep/er/b", "unlabelled/x/c.png", "z.png", "README.md", "test/cat/t.png")
    )
    assert entries(found) == [
        ("cat/deep/er/b", "cat", "pool"),
        ("dog/a.png", "dog", "pool"),
        ("unlabelled/x/c.png", "", "pool"),
        ("z.png", "", "pool"),
        ("test/cat/t.png", "cat", "test"),
    ]
    assert found.classes == ("cat", "dog")
    assert found.problems == []
    assert all(entry.source == str(tmp_path / entry.path) for entry in found.entries)


@pytest.mark.parametrize(
    ("paths", "expected", "layout"),
    [
        (
            ["train/cat/a.png", "train/dog/b.png", "val/cat/c.png"],
            [("train/cat/a.png", "cat", "pool"), ("train/dog/b.png", "dog", "pool"), ("val/cat/c.png", "cat", "test")],
            "train/CLASS are images to label, with labels given, val/CLASS are test images",
        ),
        (
            ["Train/cat/a.png", "validation/cat/b.png", "TEST/cat/c.png", "unlabelled/d.png", "Train/e.png"],
            [
                ("Train/cat/a.png", "cat", "pool"), ("Train/e.png", "", "pool"), ("unlabelled/d.png", "", "pool"),
                ("validation/cat/b.png", "cat", "pool"), ("TEST/cat/c.png", "cat", "test"),
            ],
            "TEST/CLASS are test images, Train/CLASS are images to label, with labels given, "
            "validation/CLASS are images to label, with labels given",
        ),
        (
            ["training/cat/a.png", "training/unlabelled/b.png", "README.md", "c.png"],
            [("c.png", "", "pool"), ("training/cat/a.png", "cat", "pool"), ("training/unlabelled/b.png", "", "pool")],
            "training/CLASS are images to label, with labels given",
        ),
        # A class of trains, beside others; in the test images too.
        (
            ["train/a.png", "car/b.png", "train/steam/c.png", "test/train/d.png"],
            [
                ("car/b.png", "car", "pool"), ("train/a.png", "train", "pool"), ("train/steam/c.png", "train", "pool"),
                ("test/train/d.png", "train", "test"),
            ],
            "",
        ),
        # Classes may be called as the folders that hold them are.
        (
            ["train/train/a.png", "train/val/b.png"],
            [("train/train/a.png", "train", "pool"), ("train/val/b.png", "val", "pool")],
            "train/CLASS are images to label, with labels given",
        ),
    ],
)  # fmt: skip
def test_the_folders_of_other_tools_are_recognised_and_told(tmp_path, paths, expected, layout):
    found = listing.folder(make(tmp_path, *paths))
    assert (entries(found), found.layout, found.problems) == (expected, layout, [])
    assert set(found.classes) == {label for _, label, _ in expected} - {""}


def test_what_lies_beside_train_and_val_is_listed_and_no_class(tmp_path):
    paths = ["train/cat/a.png", "val/cat/b.png", "annotations/x/c.png", "__MACOSX/train/d.png"]
    found = listing.folder(make(tmp_path, *paths))
    assert [entry[1:3] for entry in found.entries] == [("cat", "pool"), ("cat", "test")]
    assert problems(found) == {"annotations/x/c.png": "in no class folder", "__MACOSX/train/d.png": "hidden file"}
    assert found.classes == ("cat",)


def test_an_empty_folder_val_is_not_told_as_test_images(tmp_path):
    make(tmp_path, "train/cat/a.png", "test/b.png")
    (tmp_path / "val").mkdir()
    found = listing.folder(tmp_path)
    assert found.layout == "train/CLASS are images to label, with labels given"
    assert problems(found) == {"test/b.png": "in no class folder"}


def test_val_is_test_images_where_nobody_gave_labels_to_those_in_test(tmp_path):
    found = listing.folder(make(tmp_path, "train/cat/a.png", "val/cat/b.png", "test/c.png"))
    assert entries(found) == [("train/cat/a.png", "cat", "pool"), ("val/cat/b.png", "cat", "test")]


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (["train/a.png"], "train without one"),
        (["train/a.png", "val/b.png"], "train without one"),
        (["train/a.png", "test/cat/b.png"], "train without one"),
        (["train/a.png", "train/.cache/b.png"], "train without one"),
        (["val/cat/a.png", "test/cat/b.png"], "test and val"),
        (["train/cat/a.png", "val/cat/b.png", "dev/cat/c.png"], "one folder must hold the val images, got dev and val"),
    ],
)
def test_folders_of_other_tools_that_are_not_whole_are_refused(tmp_path, paths, told):
    with pytest.raises(ValueError) as error:
        listing.folder(make(tmp_path, *paths))
    assert str(error.value).endswith(told)
    assert str(error.value).startswith(("the folder train must hold a folder for each class (or be", "one folder must"))


def test_a_link_to_a_folder_makes_no_class_of_train(tmp_path):
    (make(tmp_path / "in", "train/a.png", "val/b.png") / "train" / "cat").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="got train without one"):
        listing.folder(tmp_path / "in")


def test_a_folder_train_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    make(tmp_path, "train/cat/a.png", "val/cat/b.png")
    forbid(monkeypatch, "train")
    with pytest.raises(ValueError, match=r"the folder train must be readable, got no permission"):
        listing.folder(tmp_path)


def test_an_empty_class_folder_is_a_class(tmp_path):
    make(tmp_path, "dog/a.png", "test/cat/a.png")
    (tmp_path / "bird").mkdir()
    assert listing.folder(tmp_path).classes == ("bird", "cat", "dog")


def test_what_cannot_be_used_is_listed_with_its_reason(tmp_path):
    root = make(
        tmp_path / "in", ".DS_Store", "cat/.x.png", ".git/a/b", "test/a.png", "test/unlabelled/b.png", "cat/README.md"
    )
    make(tmp_path, "outside.png")
    os.mkfifo(root / "fifo")
    links = {"broken": "nowhere", "loop": "loop", "out": "../outside.png", "folder": "cat", "etc": "/etc", "up": ".."}
    for name, target in links.items():
        (root / name).symlink_to(target)
    (root / "cat" / "inside.png").symlink_to("README.md")
    found = listing.folder(root)
    assert problems(found) == {
        ".DS_Store": "hidden file",
        "cat/.x.png": "hidden file",
        ".git/a/b": "hidden file",
        "test/a.png": "in no class folder",
        "test/unlabelled/b.png": "in no class folder",
        "fifo": "not a regular file",
        "broken": "a broken link",
        "loop": "a loop of links",
        "out": "a link that leaves the folder",
        "folder": "a link to a folder",
        "etc": "a link that leaves the folder",
        "up": "a link that leaves the folder",
    }
    assert entries(found) == [("cat/README.md", "cat", "pool"), ("cat/inside.png", "cat", "pool")]
    actions = {problem.path: problem.action for problem in found.problems if problem.reason == "hidden file"}
    assert set(actions.values()) == {"ignored"}
    assert {problem.action for problem in found.problems if problem.path not in actions} == {"refused"}


def test_a_name_that_is_not_utf_8_is_listed_escaped(tmp_path):
    make(tmp_path, "cat/a")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/cat/\xff\xc3\xa9.png")).write_bytes(b"x")
    assert problems(listing.folder(tmp_path)) == {"cat/\\xffé.png": "a name that is not UTF-8"}


def test_what_dvc_cannot_digest_is_told_before_it_tries(tmp_path):
    make(tmp_path, "cat/a", "dog/.hidden", "test/x")
    (tmp_path / "up").symlink_to("..")
    assert listing.dvc_fault(listing.folder(tmp_path).problems) is None
    os.mkfifo(tmp_path / "cat" / ".fifo")
    told = "dataset.path must hold nothing that DVC cannot read, got cat/.fifo (not a regular file)"
    assert listing.dvc_fault(listing.folder(tmp_path).problems) == told
    for name, target in {"zero": "/dev/zero", "loop": "loop", "gone": "nowhere"}.items():
        (tmp_path / name).symlink_to(target)
    assert listing.dvc_fault(listing.folder(tmp_path).problems) == f"{told} and 3 more"


def test_a_folder_that_may_not_be_read_is_listed(tmp_path, monkeypatch):
    make(tmp_path, "cat/a", "dog/b")
    forbid(monkeypatch, "dog")
    found = listing.folder(tmp_path)
    assert problems(found) == {"dog/": "no permission"}
    assert found.classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "meant"), [("Unlabelled", "unlabelled"), ("unlabeled", "unlabelled"), ("Test", "test")]
)
def test_a_folder_that_is_meant_for_another_purpose_is_no_class(tmp_path, name, meant):
    with pytest.raises(ValueError) as error:
        listing.folder(make(tmp_path, f"{name}/a.png"))
    assert str(error.value) == f"a folder must be called {meant}, or be a class of another name, got {name!r}"


LETTERS = st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = st.text(LETTERS, min_size=1, max_size=5).filter(lambda name: name not in (".", ".."))
PARTS = NAMES | st.sampled_from(["test", "unlabelled", "cat", ".x", "README.md"])


@settings(max_examples=60)
@given(paths=st.lists(st.lists(PARTS, min_size=1, max_size=3), max_size=8))
def test_every_file_of_a_folder_comes_out_or_is_listed(tmp_path_factory, paths):
    root, made = tmp_path_factory.mktemp("folder"), set()
    for path in map("/".join, paths):
        try:
            make(root, path)
        except OSError:  # a folder already, or below a file
            continue
        made.add(path)
    try:
        found = listing.folder(root)
    except ValueError as error:
        assert "must be called" in str(error)
        return
    listed = [*(entry.path for entry in found.entries), *(problem.path for problem in found.problems)]
    assert sorted(listed) == sorted(made - {"README.md"})
    assert [entry.path.encode() for entry in found.entries if entry.split == "pool"] == sorted(
        entry.path.encode() for entry in found.entries if entry.split == "pool"
    )
    for entry in found.entries:
        first, *rest = entry.path.removeprefix("test/").split("/") if entry.split == "test" else entry.path.split("/")
        assert entry.label == (first if rest and first != "unlabelled" else "")


def manifest(folder, *lines):
    (folder / "m.csv").write_text("\n".join(["path,label,split", *lines]), encoding="utf-8")
    return listing.manifest(folder / "m.csv")


def test_a_manifest_lists_paths_from_its_own_folder_or_absolute_ones(tmp_path):
    make(tmp_path / "other", "x.png")
    folder = make(tmp_path / "in", "b.png", "a.png")
    found = manifest(folder, "b.png,dog,", "a.png,,pool", f"{tmp_path}/other/x.png,cat,", "../other/x.png,cat,test")
    assert entries(found) == [
        (f"{tmp_path}/other/x.png", "cat", "pool"),
        ("a.png", "", "pool"),
        ("b.png", "dog", "pool"),
        ("../other/x.png", "cat", "test"),
    ]
    assert found.classes == ("cat", "dog")
    assert all(Path(entry.source).read_bytes() == b"x" for entry in found.entries)


def test_a_row_of_a_manifest_that_names_no_file_is_listed(tmp_path):
    make(tmp_path, "a.png", "sub/b.png")
    lines = ["gone.png,cat,", "sub,cat,", ",cat,", "a.png,cat,", "./a.png,dog,", "sub/b.png,,test", "a\0.png,,"]
    found = manifest(tmp_path, *lines, f"{'n' * 300}.png,,", "a.png/x,,")
    assert problems(found) == {
        "gone.png": "no such file",
        "sub": "a folder",
        "": "no path",
        "./a.png": "listed before",
        "sub/b.png": "a test image without a label",
        "a\0.png": "a name with control characters",
        f"{'n' * 300}.png": "file name too long",
        "a.png/x": "no such file",
    }
    assert entries(found) == [("a.png", "cat", "pool")]
    assert found.classes == ("cat", "dog")


ROWS = st.tuples(
    st.sampled_from(["a", "b", "c d", 'e"', "f\ng", "é", "gone", "./a", ""]), st.sampled_from(["", "cat", "dog"]),
    st.sampled_from(["", "pool", "test"]),
)  # fmt: skip


@settings(max_examples=60)
@given(rows=st.lists(ROWS, max_size=12))
def test_every_row_of_a_manifest_comes_out_or_is_listed(tmp_path_factory, rows):
    folder = make(tmp_path_factory.mktemp("manifest"), "a", "b", "c d", 'e"', "f\ng", "é")
    lines = [",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows]
    found = manifest(folder, *lines)
    listed = [*(entry.path for entry in found.entries), *(problem.path for problem in found.problems)]
    assert sorted(listed) == sorted(path for path, _, _ in rows)
    for entry in found.entries:
        assert (entry.path, entry.label, entry.split) in [(path, label, split or "pool") for path, label, split in rows]


def test_a_file_that_may_not_be_read_is_listed_without_being_opened(tmp_path, monkeypatch):
    make(tmp_path, "cat/a.png", "dog/b.png")
    # root may read everything.
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "dog/b.png")
    found = listing.folder(tmp_path)
    assert problems(found) == {"dog/b.png": "no permission"} and found.classes == ("cat", "dog")
    assert listing.dvc_fault(listing.folder(tmp_path).problems).endswith("got dog/b.png (no permission)")
