"""npm's packages: the calls, with an npm that only pretends."""

import io
import tarfile
from pathlib import Path

import pytest

from selflabel.data import npm

NO_SUCH_VERSION = """
echo 'npm error code ETARGET' >&2
echo 'npm error notarget No matching version found for some@1.0.0.' >&2
echo 'npm error notarget In most cases you request a version that does not exist.' >&2
echo 'npm error A complete log of this run can be found in: /some/log' >&2
exit 1
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a shell script under npm's name in front of everything else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(script):
        (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "npm").chmod(0o755)

    return write


def archive(path, name="package/file"):
    with tarfile.open(path, "w:gz") as writing:
        member = tarfile.TarInfo(name)
        member.size = 7
        writing.addfile(member, io.BytesIO(b"content"))
    return path


def error_of(folder):
    with pytest.raises(OSError) as error:
        npm.unpack("some", "1.0.0", folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_version_asked_for_is_downloaded_and_unpacked(program, tmp_path):
    program(f'echo "$@" > {tmp_path}/call; cp {archive(tmp_path / "kept")} some-1.0.0.tgz')
    npm.unpack("some", "1.0.0", tmp_path / "out")
    assert (tmp_path / "out" / "package" / "file").read_text() == "content"
    assert (tmp_path / "call").read_text().split()[:3] == ["pack", "some@1.0.0", "--ignore-scripts"]


def test_npm_works_in_a_folder_that_is_gone_afterwards(program, tmp_path):
    program(f"pwd > {tmp_path}/where; cp {archive(tmp_path / 'kept')} some-1.0.0.tgz")
    npm.unpack("some", "1.0.0", tmp_path / "out")
    where = Path((tmp_path / "where").read_text().strip())
    assert where != tmp_path
    assert not where.exists()


def test_a_failing_npm_is_an_error_with_its_reason_not_its_code_or_its_log(program, tmp_path):
    program(NO_SUCH_VERSION)
    assert error_of(tmp_path) == (
        "npm pack some@1.0.0 failed (npm error notarget No matching version found for some@1.0.0.)"
    )


def test_an_npm_that_fails_in_silence_is_an_error_that_says_so(program, tmp_path):
    program("exit 1")
    assert error_of(tmp_path) == "npm pack some@1.0.0 failed (it said nothing)"


def test_a_missing_npm_is_an_error_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert error_of(tmp_path) == "npm is not on this machine"


def test_a_download_that_leaves_no_archive_is_an_error_that_says_so(program, tmp_path):
    program("exit 0")
    assert error_of(tmp_path) == "npm pack some@1.0.0 left 0 archives, not one"


@pytest.mark.parametrize("n_bytes", [0, 20, 80])
def test_a_truncated_archive_is_an_error_that_names_it(program, tmp_path, n_bytes):
    kept = archive(tmp_path / "kept")
    kept.write_bytes(kept.read_bytes()[:n_bytes])
    program(f"cp {kept} some-1.0.0.tgz")
    assert error_of(tmp_path / "out").startswith("some-1.0.0.tgz from npm could not be unpacked (")


def test_an_archive_that_would_write_beside_its_folder_writes_nothing(program, tmp_path):
    program(f"cp {archive(tmp_path / 'kept', '../outside')} some-1.0.0.tgz")
    assert "outside the destination" in error_of(tmp_path / "out")
    assert not (tmp_path / "outside").exists()
