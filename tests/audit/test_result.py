"""The audit: what becomes of answers, and the figures, on a pool whose mistakes are known."""

import json

import numpy as np
import pytest
from example_audit import CLASSES, HASHES, N_SEEDS, PLAN, TRUTH, N, columns, final
from examples import SUMMARY
from projects import ROOT
from scipy.stats import binom

from selflabel.audit import bounds, draw, result, wording
from selflabel.config import load
from selflabel.labels import answers, state
from selflabel.labels.table import NO_LABEL, Labels
from selflabel.rounding import rounded


def drawn(given, plan=PLAN):
    rows = draw.targets(given.labels, given.asked["row"])
    return rows, draw.draw(draw.order(HASHES, seed=plan.seed), rows, size=plan.size)


def show(given=None, plan=PLAN, found=None):
    given = given or final()
    rows, asked = drawn(given, plan)
    found = answers.from_truth(asked, TRUTH) if found is None else found(asked)
    return result.show(given, rows, columns(found), plan, classes=CLASSES)


def test_the_plan_is_that_of_the_parameters():
    options = load.load(ROOT / "params.yaml").audit
    assert result.plan_of(options)._asdict().items() <= dict(options).items()


# --- What it shows.


def test_the_figures_are_those_of_the_drawn_rows():
    _, asked = drawn(final())
    n_wrong = int(TRUTH[asked].sum())
    figures = show().figures
    assert figures["audit"] == {
        "n_drawn": 200, "n_first": 88, "n_answered": 200, "n_missing": 0, "n_skipped": 0, "n_wrong": n_wrong,
        "n_awaited": 0,
    }  # fmt: skip
    assert figures["whole"]["error_at_most"] == bounds.upper(n_wrong, 200, alpha=0.05)
    assert (figures["n_machine"], figures["n_pool"]) == (980, 1_000)
    json.dumps(rounded(figures), allow_nan=False)


def test_what_is_certified_are_the_most_confident_rows():
    shown = show()
    figures = shown.figures["certified"]
    assert figures["n"] == len(shown.certified) > N // 2
    assert np.array_equal(shown.certified, np.arange(N - figures["n"], N))
    assert TRUTH[shown.certified].mean() <= PLAN.error


def test_a_missing_answer_leaves_everything_uncertified():
    def one_is_open(asked):
        table = answers.from_truth(asked, TRUTH)
        return table | {"status": ["open", *table["status"][1:]], "label": np.append(NO_LABEL, table["label"][1:])}

    shown = show(found=one_is_open)
    assert shown.figures["audit"]["n_missing"] == 1
    assert shown.figures["certified"]["n"] == len(shown.certified) == len(shown.to_relabel) == 0
    assert shown.figures["whole"]["error_at_most"] == 1
    assert shown.figures["rest"]["asked"]["n"] == 980 - 200 and shown.figures["estimate"] == {}
    nobody = columns(answers.from_truth(shown.to_relabel, TRUTH))
    assert not result.by_people(final(), shown, nobody, PLAN._replace(label_rest=True))["is_issued"]


def test_an_image_that_nobody_can_tell_counts_as_wrong():
    def one_is_skipped(asked):
        table = answers.from_truth(asked, TRUTH)
        right = int(np.argmax(table["label"] == 0))
        table["status"][right], table["label"][right] = "skipped", NO_LABEL
        return table

    assert show(found=one_is_skipped).figures["audit"]["n_wrong"] == show().figures["audit"]["n_wrong"] + 1


def test_more_looks_promise_less():
    one, ten = show(), show(plan=PLAN._replace(looks=10))
    assert ten.figures["whole"]["error_at_most"] > one.figures["whole"]["error_at_most"]
    assert ten.figures["whole"]["error_at_most"] == bounds.upper(
        one.figures["audit"]["n_wrong"], 200, alpha=PLAN._replace(looks=10).level.alpha
    )
    assert len(ten.certified) <= len(one.certified)
    assert PLAN._replace(looks=10).level.alpha == pytest.approx(0.005)


def test_images_without_a_label_and_those_asked_in_vain_are_for_people_in_any_case():
    given = final(asked=columns(answers.look_up(np.array([30, 31]), ["x", "y"], {})))
    shown = show(given, PLAN._replace(error=0.4))
    # They are counted, and not asked a second time.
    assert shown.figures["rest"]["asked"] == {"target": 0.4, "n": 2} and not len(shown.to_relabel)
    found = result.by_people(given, shown, columns(answers.from_truth(shown.to_relabel, TRUTH)), PLAN)
    assert found == {"n_answered": 0, "n_missing": 2, "n_skipped": 0, "is_issued": False}


def test_an_audit_without_machine_labels_says_so():
    seeds = Labels.from_seeds(np.arange(N), TRUTH, n_rows=N)
    shown = show(state.first(seeds)._replace(history=[SUMMARY]))
    assert wording.statements(shown.figures)[0].startswith("No audit (there is no machine label")


# --- What becomes of the answers.


def test_the_audits_answers_change_no_label_and_those_to_the_rest_do():
    given = final()
    shown = show(given)
    rest = columns(answers.from_truth(shown.to_relabel, TRUTH))
    _, asked = drawn(given)
    after = result.recorded(given, columns(answers.from_truth(asked, 1 - TRUTH)), rest)
    assert 0 < len(shown.to_relabel) < N // 2
    changed = np.flatnonzero(after.labels.origin != given.labels.origin)
    assert np.array_equal(changed, np.sort(shown.to_relabel))
    assert np.array_equal(after.labels.label[changed], TRUTH[changed])
    others = np.setdiff1d(np.arange(N), changed)
    assert np.array_equal(after.labels.label[others], given.labels.label[others])
    # Who answered in the audit is not asked again.
    assert len(set(after.asked["row"].tolist())) == len(after.asked["row"])
    assert after.asked["strategy"].tolist() == ["audit"] * 200 + ["rest"] * np.sum(~np.isin(shown.to_relabel, asked))
    assert set(after.asked["round"].tolist()) == {1}
    assert np.mean(after.labels.label != TRUTH) <= PLAN.error


def test_the_whole_is_certified_once_all_the_rest_is_answered():
    shown, plan = show(), PLAN._replace(label_rest=True)
    answered = columns(answers.from_truth(shown.to_relabel, TRUTH))
    nobody = columns(answers.from_truth(shown.to_relabel[:0], TRUTH))
    skipped = answered | {"status": np.array(["skipped", *answered["status"][1:]])}
    missing = answered | {"status": np.array(["open", *answered["status"][1:]])}
    issued = [result.by_people(final(), shown, each, plan)["is_issued"] for each in (answered, skipped, missing)]
    assert issued == [True, True, False]
    # Nobody was to be asked; then there was nobody to ask; then there was no audit.
    assert not result.by_people(final(), shown, nobody, PLAN)["is_issued"]
    assert result.by_people(final(), shown._replace(to_relabel=shown.to_relabel[:0]), nobody, PLAN)["is_issued"]
    assert not result.by_people(final(), show(plan=PLAN._replace(size=0)), nobody, plan)["is_issued"]


def test_what_was_audited_need_not_be_labelled_again():
    shown, (_, asked) = show(), drawn(final())
    is_new = ~np.isin(shown.to_relabel, asked)
    assert shown.figures["rest"]["asked"]["n"] == is_new.sum() < len(shown.to_relabel)


def test_rounding_reaches_everything():
    assert rounded({"a": [0.12345678, {"b": np.array([0.9999999])}], "n": 3, "c": None}) == {
        "a": [0.123457, {"b": np.array([1.0])}], "n": 3, "c": None
    }  # fmt: skip


@pytest.mark.parametrize("error", [1 / 30, 0.0001, 0.049999999, 0.7, 0.9999])
def test_the_whole_is_never_promised_without_the_labels_it_takes(error):
    """Whatever the digits of the error: its cost stands first, and what it costs is what is asked for."""
    shown = show(plan=PLAN._replace(error=error))
    nobody = columns(answers.from_truth(shown.to_relabel[:0], TRUTH))
    assert shown.figures["rest"]["asked"]["target"] == error
    issued = result.by_people(final(), shown, nobody, PLAN)["is_issued"]
    assert issued == (not len(shown.to_relabel)) == (error >= 0.7)
    assert all(cost["target"] < 1 for cost in shown.figures["rest"].values())


@pytest.mark.parametrize("looks", [1, 2])
def test_what_the_figures_promise_holds_over_many_audits(looks):
    """The whole way, from the order of the draw to what people label, for an error that no decimal is equal to."""
    given, broken = final(), np.zeros(3, int)
    truth = np.where(np.random.default_rng(0).random(N) < 0.5 * (1 - np.arange(N) / N), 1, 0).astype(np.int16)
    truth[: N_SEEDS // 2], truth[N_SEEDS // 2 : N_SEEDS] = 0, given.labels.label[N_SEEDS // 2 : N_SEEDS]
    n_redraws, wrong = 400, given.labels.label != truth
    for seed in range(n_redraws):
        plan = PLAN._replace(error=1 / 15, seed=seed, looks=looks, confidence=0.9, size=150)
        rows, asked = drawn(given, plan)
        shown = result.show(given, rows, columns(answers.from_truth(asked, truth)), plan, classes=CLASSES)
        is_kept = np.ones(N, bool)
        is_kept[shown.to_relabel] = False
        broken += [
            wrong[rows].mean() > shown.figures["whole"]["error_at_most"],
            len(shown.certified) > 0 and wrong[shown.certified].mean() > plan.error,
            np.sum(wrong & is_kept) > plan.error * N,
        ]
    most = binom.ppf(1 - 1e-4, n_redraws, 0.1 / looks)
    assert np.all(broken <= most), broken.tolist()


def test_too_few_answers_say_how_many_would_do_by_the_share_that_needs_fewest():
    """With a hundred answers the first share looked at is almost the whole, of which too much is wrong."""
    few, many = (show(plan=PLAN._replace(size=size)).figures["certified"] for size in (88, 300))
    assert few["n"] == 0 < many["n"]
    assert 88 < few["n_enough"] <= 300
    # More than there are is no answer.
    assert "n_enough" not in show(plan=PLAN._replace(size=20, error=0.001)).figures["certified"]
