"""Debian's archive: the calls, with an apt-get and a dpkg-deb that only pretend."""

import pytest

from selflabel.data import debian

APT_WORKS = 'for name; do :; done; echo content > "$PWD/${name}_1_all.deb"'
# `dpkg-deb -x archive directory`
DPKG_WORKS = 'mkdir -p "$3/usr" && cp "$2" "$3/usr/file"'
APT_NEEDS_LISTS = """
log() { echo "$*" >> "$LOG"; }
for last; do :; done
case "$1" in
  download) log "download with the machine's lists"; echo "E: Unable to locate package $last" >&2; exit 100 ;;
esac
state=; for word; do case "$word" in -oDir::State=*) state=${word#-oDir::State=} ;; esac; done
case "$last" in
  update) test -d "$state/lists/partial" && touch "$state/lists/fetched" && log update ;;
  *) test -e "$state/lists/fetched" && log "download with its own lists" && echo content > "$PWD/$last.deb" ;;
esac
"""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Put shell scripts under the names of programs in front of everything else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))

    def write(**scripts):
        for name, script in scripts.items():
            path = folder / name.replace("_", "-")
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)

    return write


def test_the_package_is_downloaded_and_unpacked(programs, tmp_path):
    programs(apt_get=APT_WORKS, dpkg_deb=DPKG_WORKS)
    debian.unpack("some-package", tmp_path / "out")
    assert (tmp_path / "out" / "usr" / "file").read_text() == "content\n"


def test_without_package_lists_they_are_fetched_into_a_folder_of_their_own(programs, tmp_path):
    programs(apt_get=APT_NEEDS_LISTS, dpkg_deb=DPKG_WORKS)
    debian.unpack("some-package", tmp_path / "out")
    assert (tmp_path / "log").read_text().splitlines() == [
        "download with the machine's lists",
        "update",
        "download with its own lists",
    ]
    assert (tmp_path / "out" / "usr" / "file").is_file()


def test_a_failing_apt_get_is_an_error_with_its_last_reason(programs, tmp_path):
    programs(apt_get="echo 'E: first' >&2; echo 'E: no network' >&2; echo 'W: a warning' >&2; exit 100")
    with pytest.raises(OSError, match=r"^apt-get update failed \(E: no network\)$"):
        debian.unpack("some-package", tmp_path)


def test_a_failing_dpkg_deb_is_an_error_with_its_reason(programs, tmp_path):
    programs(apt_get=APT_WORKS, dpkg_deb="echo 'dpkg-deb: error: not a Debian archive' >&2; exit 2")
    with pytest.raises(OSError, match=r"^dpkg-deb .* failed \(dpkg-deb: error: not a Debian archive\)$"):
        debian.unpack("some-package", tmp_path)


def test_a_reason_of_any_form_stays_on_one_line(programs, tmp_path):
    programs(apt_get="echo 'Traceback:' >&2; echo 'something broke' >&2; exit 1")
    with pytest.raises(OSError) as error:
        debian.unpack("some-package", tmp_path)
    assert str(error.value).endswith("(something broke)")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("present", "missing"), [({}, "apt-get"), ({"apt_get": APT_WORKS}, "dpkg-deb")])
def test_a_missing_program_is_an_error_that_names_it(programs, tmp_path, monkeypatch, present, missing):
    programs(**present)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(OSError, match=f"^{missing} is not on this machine$"):
        debian.unpack("some-package", tmp_path / "out")


def test_a_download_that_leaves_no_archive_is_an_error_that_says_so(programs, tmp_path):
    programs(apt_get="exit 0", dpkg_deb=DPKG_WORKS)
    with pytest.raises(OSError, match="some-package"):
        debian.unpack("some-package", tmp_path)
