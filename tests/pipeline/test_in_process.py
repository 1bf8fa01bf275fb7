"""The licence of all tests that run stages in one process: what they write is what DVC's processes write."""

from selflabel.audit import forecast


def test_stages_in_one_process_write_the_bytes_that_dvc_repro_writes(shared_project, _in_process):
    folders = ("data", "metrics")
    real, played = (project.bytes_of(*folders) for project in (shared_project, _in_process))
    assert played.keys() == real.keys()
    assert [name for name in real if played[name] != real[name]] == []


def test_only_stale_stages_are_played_again(played):
    assert played.stages_played() == []
    played.set(audit={"size": 50, "planned": 50})
    assert played.stages_played()[0] in ("check", "audit") and "self_label@1" not in played.played


def test_a_run_is_forecast_by_a_command(played, monkeypatch):
    monkeypatch.setattr(forecast, "N_WORLDS", 3)
    told = played.tool("forecast")
    assert "as the audit found" in told and "| 1,000 " in told and "audit.goal" in told
    (played.folder / "metrics/certificate.json").unlink()
    assert played.tool("forecast", check=False).startswith("error: metrics/certificate.json is not there yet")
