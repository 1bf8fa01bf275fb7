"""The run at a glance, on a thousand labels whose mistakes are known."""

import numpy as np
import pytest
from example_audit import CLASSES, HASHES, N_SEEDS, PLAN, TRUTH, N, final
from examples import SUMMARY

from selflabel.audit import certificate
from selflabel.labels import answers
from selflabel.labels.pool_index import PoolIndex
from selflabel.serve import dashboard
from selflabel.serve.project import Rounds


class Project:
    classes, index = CLASSES, PoolIndex(np.arange(N), HASHES)


def audited(look_up=lambda rows: answers.from_truth(rows, TRUTH)):
    given = final(machine_labels=np.zeros((1, N), np.int16))
    # Not all are certified.
    plan = PLAN._replace(error=0.08)
    return Rounds([given], given, certificate.audit(given, HASHES, look_up, plan, classes=CLASSES))


def open_audit():
    return audited(lambda rows: answers.look_up(rows, [""] * len(rows), {}))


def rows(found):
    return [item["row"] for item in found["items"]]


def test_the_overview_counts_what_there_is():
    shown = dashboard.overview(audited(), Project, None)
    assert (shown["n_images"], shown["n_labelled"]) == (N, N)
    assert shown["origins"] == {"none": 0, "seed": N_SEEDS, "human": 0, "machine": N - N_SEEDS}
    assert shown["n_certified"] > N // 2 and shown["certificate"][0].startswith("Audit: of 200 machine labels")
    assert [of["name"] for of in shown["classes"]] == ["Coat", "Shirt"]
    assert sum(of["machine"] for of in shown["classes"]) == N - N_SEEDS


def test_before_an_audit_there_is_no_certificate():
    shown = dashboard.overview(Rounds([final()]), Project, None)
    assert (shown["certificate"], shown["shares"], shown["target"]) == ([], {}, None)


def test_accuracy_is_of_the_test_images_where_there_are_some_and_else_out_of_fold():
    history = [SUMMARY, SUMMARY._replace(reliability=None)]
    known = dashboard.curves(history, 100, {"test_accuracy": np.array([0.5, 0.6])})
    assert (known["accuracy"], known["accuracy_of"]) == ([0.5, 0.6], "test images")
    # Of one round more they are another run's.
    for tested in (None, {}, {"test_accuracy": np.array([0.5, 0.6, 0.7])}):
        shown = dashboard.curves(history, 100, tested)
        assert (shown["accuracy"], shown["accuracy_of"]) == ([0.8, None], "human labels, out of fold")


def test_the_gallery_is_least_confident_first_a_page_at_a_time():
    first, second = (dashboard.gallery(audited(), Project, {"origin": "machine", "page": page}) for page in ("", "1"))
    assert first["n"] == N - N_SEEDS and rows(first) == list(range(N_SEEDS, N_SEEDS + 40))
    assert rows(second) == list(range(N_SEEDS + 40, N_SEEDS + 80))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"origin": "seed"}, range(N_SEEDS)),
        ({"class": "Shirt"}, np.flatnonzero(TRUTH[:N_SEEDS] == 1)),
        ({"least": "0.99", "most": "0.995"}, range(990, 996)),
        ({"certified": "yes", "most": "0.15"}, []),
    ],
)
def test_a_filter_leaves_what_has_it(wanted, expected):
    assert sorted(rows(dashboard.gallery(audited(), Project, wanted))) == list(expected)


def test_what_an_audit_still_asks_about_is_nowhere():
    rounds = open_audit()
    asked = rounds.audit.drawn.row
    pages = [dashboard.gallery(rounds, Project, {"page": str(page)}) for page in range(N // 40 + 1)]
    seen = [row for page in pages for row in rows(page)]
    assert len(asked) == 200 and not set(asked.tolist()) & set(seen) and len(seen) == pages[0]["n"] == N - 200
    with pytest.raises(ValueError, match="the audit still asks about the image"):
        dashboard.story(rounds, Project, int(asked[0]))


def test_a_story_is_told_of_every_other_image():
    rounds = audited()
    assert len(dashboard.story(rounds, Project, 0)) == 5
    assert "machine" in dashboard.story(rounds, Project, N - 1)[0]
