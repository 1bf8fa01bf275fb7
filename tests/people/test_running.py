"""DVC run with a bar: what a person is told, in a log and on a terminal, of a real DVC project of three stages."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from projects import environment

from selflabel.people import running

DVC_YAML = """\
stages:
  first:
    cmd: echo one image > one.txt; echo first says one image >&2
    deps: [wanted.txt]
    outs: [one.txt]
  second:
    cmd: test "$(cat wanted.txt)" != broken && sleep "$(cat wanted.txt)" && cat one.txt > two.txt
    deps: [one.txt, wanted.txt]
    outs: [two.txt]
  third:
    cmd: cat two.txt > three.txt
    deps: [two.txt]
    outs: [three.txt]
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    subprocess.run(["dvc", "init", "--quiet", "--no-scm"], cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "wanted.txt").write_text("0")
    return tmp_path


def told(folder):
    """Run, and return the exit code and the lines of a log."""
    out = io.StringIO()
    return running.run(["dvc", "repro"], folder=folder, out=out), out.getvalue().splitlines()


def test_a_log_has_a_line_for_each_stage_that_runs_and_what_the_stage_says(project):
    code, lines = told(project)
    assert code == 0
    assert lines[:-1] == ["[1/3] first", "first says one image", "[2/3] second", "[3/3] third"]
    assert lines[-1].startswith("done in 0:")
    # A second time there is nothing to do, and nothing is said.
    assert [line[:7] for line in told(project)[1]] == ["done in"]


def test_a_run_for_one_stage_counts_what_it_needs_and_nothing_else(project, monkeypatch):
    monkeypatch.chdir(project)
    out = io.StringIO()
    assert running.run(["dvc", "repro"], folder=Path(), targets=["second"], out=out) == 0
    assert [line[:12] for line in out.getvalue().splitlines() if line[0] == "["] == ["[1/2] first", "[2/2] second"]
    out = io.StringIO()
    assert running.run(["dvc", "repro"], folder=Path(), targets=["fourth"], out=out)
    assert "fourth" in out.getvalue()


def test_stages_that_are_as_they_were_count_as_done(project):
    told(project)
    (project / "two.txt").unlink()
    (project / "dvc.yaml").write_text(DVC_YAML.replace("cat two.txt >", "cat two.txt | tr a b >"))
    assert told(project)[1][0].startswith("[3/3] third")


def test_a_failed_stage_ends_with_the_words_of_dvc_and_its_exit_code(project):
    (project / "wanted.txt").write_text("broken")
    code, lines = told(project)
    assert code == 255
    assert any(line.startswith("> test ") for line in lines)
    assert any(line.startswith("ERROR: failed to reproduce 'second'") for line in lines)
    assert lines[-1].startswith("stopped in second after 0:")


def test_files_that_dvc_cannot_read_end_with_the_words_of_dvc(project):
    (project / "dvc.yaml").write_text("stages: [")
    code, lines = told(project)
    assert code and any("dvc.yaml" in line for line in lines)


def test_times_of_the_last_run_are_kept_and_tell_how_long_the_next_may_take(project):
    told(project)
    seconds = json.loads((project / running.SECONDS).read_text())
    progress = running.Progress(["first", "second", "third"], {"first": 10.0, "third": 65.0})
    assert set(seconds) <= {"first", "second", "third"}
    assert progress.seconds_left(0.0) == 75
    progress.read("Running stage 'first':", 100.0)
    assert progress.line(104.0) == "[1/3] ████░░░░░░░░ first · 0:04 of 0:10 · at most 1:11 left"
    progress.read("Stage 'rounds/dvc.yaml:second' is cached - skipping run, checking out outputs", 110.0)
    assert progress.seconds["first"] == 10 and progress.seconds_left(110.0) == 65


def test_nobody_is_told_a_time_that_nothing_is_known_of():
    progress = running.Progress(["first"], {})
    progress.read("Running stage 'first':", 0.0)
    assert progress.line(61.0) == "[1/1] ████████████ first · 1:01"


def _on_a_terminal(project, *, until=None):
    """Run on a terminal of 80 columns; return the exit code and all that was written. ``until``: send Ctrl-C then."""
    # Who runs the tests in the background of a shell has Ctrl-C ignored, and all that is started by them.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from pathlib import Path; from selflabel.people import running; "
        "sys.exit(running.run(['dvc', 'repro'], folder=Path()))"
    )
    source, sink = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=project, stdin=sink, stdout=sink, stderr=sink, start_new_session=True
    )
    os.close(sink)
    written, is_interrupted = b"", False
    while True:
        try:
            data = os.read(source, 65_536)
        except OSError:
            break
        if not data:
            break
        written += data
        if until and until in written and not is_interrupted:
            # As a terminal does: to all processes in front.
            time.sleep(0.5)
            os.killpg(process.pid, signal.SIGINT)
            is_interrupted = True
    os.close(source)
    return process.wait(), written.decode()


def test_a_terminal_has_a_bar_that_ticks_while_a_stage_runs(project):
    (project / "wanted.txt").write_text("2")
    code, text = _on_a_terminal(project)
    assert code == 0
    assert "[2/3] ████████░░░░ second · 0:01" in text and "[3/3] third" in text


def test_ctrl_c_ends_dvc_and_its_stage_with_130(project):
    (project / "wanted.txt").write_text("60")
    began = time.monotonic()
    code, text = _on_a_terminal(project, until=b"[2/3] second")
    assert code == 130 and time.monotonic() - began < 40
    assert "stopped in second after" in text and "Traceback" not in text
    assert not (project / "two.txt").exists()
    # The lock is free, and what was done is done.
    (project / "wanted.txt").write_text("0")
    assert told(project)[0] == 0
