"""The audit: what becomes of answers, and the figures, on a pool whose mistakes are known."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from example_audit import CLASSES, HASHES, N_SEEDS, PLAN, TRUTH, N, final, in_vain
from examples import CERTIFICATE_JSON, SUMMARY
from projects import ROOT
from scipy.stats import binom

from selflabel.audit import bounds, certificate, draw, wording
from selflabel.audit.certificate import Agreement, AuditConfig, AuditCounts, Certificate, CertifiedPart
from selflabel.audit.guarantees import ErrorTarget
from selflabel.config import load
from selflabel.labels import answers, state
from selflabel.labels.answers import Answer
from selflabel.labels.questions import Replies
from selflabel.labels.table import NO_LABEL, Labels
from selflabel.rounding import rounded


def from_truth(rows):
    return answers.from_truth(rows, TRUTH)


def audit(given=None, plan=PLAN, look_up=from_truth):
    return certificate.audit(given or final(), HASHES, look_up, plan, classes=CLASSES)


def drawn(given, plan=PLAN):
    rows = draw.targets(given.labels, given.asked.row)
    return rows, draw.draw(draw.order(HASHES, seed=plan.seed), rows, size=plan.n_asked)


def examine(given=None, plan=PLAN, look_up=from_truth):
    given = given or final()
    rows, asked = drawn(given, plan)
    return certificate.examine(given, rows, look_up(asked), plan, classes=CLASSES)


def issue(plan, rest, given=None, **changes):
    """The certificate where ``rest`` are the replies about the rest."""
    given = given or final()
    evidence, (_, asked) = examine(given, plan), drawn(given, plan)
    return certificate.issue(given, given, evidence._replace(**changes), from_truth(asked), rest, plan)


def with_first(replies, status):
    """The same replies, but for the first."""
    if not len(replies):
        return replies
    label = np.append(NO_LABEL, replies.label[1:])
    return Replies(replies.row, label, [status, *replies.status[1:]], replies.annotator, replies.votes)


def test_the_configuration_is_that_of_the_parameters():
    options = load.load(ROOT / "params.yaml").audit
    assert AuditConfig.of(options)._asdict().items() <= dict(options).items()


# --- What it shows.


def test_the_certificate_is_that_of_the_drawn_rows():
    _, asked = drawn(final())
    n_wrong = int(TRUTH[asked].sum())
    issued = audit().certificate
    assert issued.audit == AuditCounts(
        n_wanted=200,
        n_planned=200,
        n_drawn=200,
        part=0.75,
        n_first=200,
        n_answered=200,
        n_missing=0,
        n_skipped=0,
        n_wrong=n_wrong,
        n_awaited=0,
    )
    assert issued.error_at_most == bounds.upper(n_wrong, 200, alpha=0.05 * 0.75, n_all=980)
    assert (issued.n_machine, issued.n_pool) == (980, 1_000)


def test_a_certificate_is_read_from_its_json():
    assert Certificate.from_json(CERTIFICATE_JSON).to_json() == CERTIFICATE_JSON
    for issued in (audit().certificate, audit(plan=PLAN._replace(size=0)).certificate):
        tree = json.loads(json.dumps(issued.to_json(), allow_nan=False))
        assert Certificate.from_json(tree) == issued and rounded(tree)["whole"]["error_at_most"] > 0


def test_what_is_certified_are_the_most_confident_rows():
    shown = audit(plan=PLAN._replace(size=500, planned=500))
    part = shown.certificate.certified
    assert part.n == len(shown.certified) >= N // 4
    assert np.array_equal(shown.certified, np.arange(N - part.n, N))
    assert TRUTH[shown.certified].mean() <= PLAN.error


def test_a_missing_answer_leaves_everything_uncertified():
    shown = audit(plan=PLAN._replace(label_rest=True), look_up=lambda rows: with_first(from_truth(rows), "open"))
    issued = shown.certificate
    assert issued.audit.n_missing == 1 and issued.certified == CertifiedPart(0, 0.0, n_enough=issued.certified.n_enough)
    assert len(shown.certified) == 0 and issued.error_at_most == 1
    assert issued.rest["asked"][1] == 980 - 200 and issued.estimate == {}
    # Nobody was asked about the rest either.
    assert len(shown.after.asked) == 200 and not issued.rest_by_people.is_issued


def test_an_image_that_nobody_can_tell_counts_as_wrong():
    def one_is_skipped(rows):
        replies = from_truth(rows)
        right = np.flatnonzero(replies.label == 0)[:1]
        replies.status[right], replies.label[right] = "skipped", NO_LABEL
        return replies

    assert audit(look_up=one_is_skipped).certificate.audit.n_wrong == audit().certificate.audit.n_wrong + 1


def test_more_looks_promise_less():
    one, ten = audit(), audit(plan=PLAN._replace(looks=10))
    assert ten.certificate.error_at_most > one.certificate.error_at_most
    assert ten.certificate.error_at_most == bounds.upper(
        one.certificate.audit.n_wrong, 200, alpha=PLAN._replace(looks=10).target().alpha, n_all=980
    )
    assert len(ten.certified) <= len(one.certified)
    assert PLAN._replace(looks=10).alpha == pytest.approx(0.005)


def test_images_without_a_label_and_those_asked_in_vain_are_for_people_in_any_case():
    given = final(asked=in_vain(30, 31))
    evidence = examine(given, PLAN._replace(error=0.4))
    # They are counted, and not asked a second time.
    assert evidence.rest["asked"] == (0.4, 2) and not len(evidence.to_relabel)
    done = issue(PLAN._replace(error=0.4), from_truth(evidence.to_relabel), given).rest_by_people
    assert (done.n_answered, done.n_missing, done.n_skipped, done.is_issued) == (0, 2, 0, False)


def test_an_audit_without_machine_labels_says_so():
    seeds = Labels.from_seeds(np.arange(N), TRUTH, n_rows=N)
    shown = audit(state.first(seeds)._replace(history=[SUMMARY]))
    assert wording.statements(shown.certificate)[0].startswith("No audit (there is no machine label")


def test_an_earlier_audits_answer_costs_nothing():
    before, after = examine(), certificate.audit(final(apart=np.array([25])), HASHES, from_truth, PLAN, classes=CLASSES)
    assert 25 in before.to_relabel and 25 not in drawn(final())[1]
    assert after.certificate.rest["asked"][1] == before.rest["asked"][1] - 1


# --- What becomes of the answers.


def test_the_audits_answers_change_no_label_and_those_to_the_rest_do():
    given = final()
    to_relabel, (_, asked) = examine(given).to_relabel, drawn(given)
    after = certificate.recorded(given, answers.from_truth(asked, 1 - TRUTH), from_truth(to_relabel))
    assert 0 < len(to_relabel) < N // 2
    changed = np.flatnonzero(after.labels.origin != given.labels.origin)
    assert np.array_equal(changed, np.sort(to_relabel))
    assert np.array_equal(after.labels.label[changed], TRUTH[changed])
    others = np.setdiff1d(np.arange(N), changed)
    assert np.array_equal(after.labels.label[others], given.labels.label[others])
    # Who answered in the audit is not asked again.
    assert len(set(after.asked.row.tolist())) == len(after.asked.row)
    assert after.asked.strategy.tolist() == ["audit"] * 200 + ["rest"] * np.sum(~np.isin(to_relabel, asked))
    assert set(after.asked.round.tolist()) == {1}
    assert np.mean(after.labels.label != TRUTH) <= PLAN.error


def test_the_whole_is_certified_once_all_the_rest_is_answered():
    to_relabel, plan = examine().to_relabel, PLAN._replace(label_rest=True)
    answered, nobody = from_truth(to_relabel), from_truth(to_relabel[:0])
    replies = (answered, with_first(answered, "skipped"), with_first(answered, "open"))
    assert [issue(plan, rest).rest_by_people.is_issued for rest in replies] == [True, True, False]
    # Nobody was to be asked; then there was nobody to ask; then there was no audit.
    assert not issue(PLAN, nobody).rest_by_people.is_issued
    assert issue(PLAN, nobody, to_relabel=to_relabel[:0]).rest_by_people.is_issued
    assert not issue(plan._replace(size=0), nobody).rest_by_people.is_issued


def test_what_was_audited_need_not_be_labelled_again():
    evidence, (_, asked) = examine(), drawn(final())
    is_new = ~np.isin(evidence.to_relabel, asked)
    assert evidence.rest["asked"][1] == is_new.sum() < len(evidence.to_relabel)


def test_rounding_reaches_everything():
    assert rounded({"a": [0.12345678, {"b": np.array([0.9999999])}], "n": 3, "c": None}) == {
        "a": [0.123457, {"b": np.array([1.0])}], "n": 3, "c": None
    }  # fmt: skip


@pytest.mark.parametrize("error", [1 / 30, 0.0001, 0.049999999, 0.7, 0.9999])
def test_the_whole_is_never_promised_without_the_labels_it_takes(error):
    """Whatever the digits of the error: its cost stands first, and what it costs is what is asked for."""
    plan = PLAN._replace(error=error)
    to_relabel, issued = examine(plan=plan).to_relabel, audit(plan=plan).certificate
    assert issued.rest["asked"][0] == error
    assert issued.rest_by_people.is_issued == (not len(to_relabel)) == (error >= 0.7)
    assert all(target < 1 for target, _ in issued.rest.values())


@pytest.mark.parametrize("looks", [1, 2])
def test_what_the_figures_promise_holds_over_many_audits(looks):
    """The whole way, from the order of the draw to what people label, for an error that no decimal is equal to."""
    given, broken = final(), np.zeros(3, int)
    truth = np.where(np.random.default_rng(0).random(N) < 0.5 * (1 - np.arange(N) / N), 1, 0).astype(np.int16)
    truth[: N_SEEDS // 2], truth[N_SEEDS // 2 : N_SEEDS] = 0, given.labels.label[N_SEEDS // 2 : N_SEEDS]
    n_redraws, wrong = 400, given.labels.label != truth
    for seed in range(n_redraws):
        plan = PLAN._replace(error=1 / 15, seed=seed, looks=looks, confidence=0.9, size=100, planned=100)
        rows, asked = drawn(given, plan)
        shown = certificate.examine(given, rows, answers.from_truth(asked, truth), plan, classes=CLASSES)
        n_wrong = int(shown.sample.is_wrong.sum())
        is_kept = np.ones(N, bool)
        is_kept[shown.to_relabel] = False
        broken += [
            wrong[rows].mean() > bounds.upper(n_wrong, plan.size, alpha=plan.target().alpha, n_all=len(rows)),
            len(shown.certified) > 0 and wrong[shown.certified].mean() > plan.error,
            np.sum(wrong & is_kept) > plan.error * N,
        ]
    most = binom.ppf(1 - 1e-4, n_redraws, 0.1 / looks)
    assert np.all(broken <= most), broken.tolist()


def test_too_few_answers_say_how_many_would_do_by_the_share_that_needs_fewest():
    few, many = (examine(plan=PLAN._replace(size=size, planned=size)).part for size in (100, 500))
    assert few.n == 0 < many.n
    assert few.n_enough in (200, 400)
    # More than there are is no answer.
    assert examine(plan=PLAN._replace(size=20, error=0.001)).part.n_enough is None


def test_no_fewer_answers_than_there_were_are_said_to_be_enough():
    """After 500 answers 358 were advised."""
    part = certificate._certified_part(
        {"n_wrong": np.array([0]), "n_audited": np.array([500]), "n_inside": np.array([10_000])}, None,
        dict.fromkeys((100, 500, 1_000), ErrorTarget(0.05, 0.05)), n_machine=10_000,
    )  # fmt: skip
    assert part.n_enough == 1_000


def test_between_two_sizes_nobody_is_asked():
    shown = audit(plan=PLAN._replace(size=299))
    assert len(shown.drawn) == 200 and shown.certificate.audit.n_wanted == 299
    assert replace(shown.certificate.audit, n_wanted=200) == audit().certificate.audit


# --- Where as many again are drawn by class.

BY_CLASS = PLAN._replace(classes=True)
# Every fiftieth machine label is a Shirt.
SHIRTS = np.arange(N_SEEDS, N, 50)


def with_shirts():
    given = final()
    label = given.labels.label.copy()
    label[SHIRTS] = 1
    return given._replace(labels=replace(given.labels, label=label))


def test_a_small_class_is_audited_more_and_the_other_promises_are_those_of_the_uniform_draw():
    given = with_shirts()
    one, both = audit(given), audit(given, BY_CLASS)
    assert np.array_equal(both.drawn.row[:200], one.drawn.row) and len(set(both.drawn.row.tolist())) == 400
    counts = (both.certificate.audit.n_drawn, both.certificate.audit.n_by_class, both.certificate.audit.n_answered)
    assert counts == (200, 200, 400) and one.certificate.audit.n_by_class == 0
    # All Shirts there are, which are therefore known.
    assert both.classes["n_audited"][1] == len(SHIRTS) > one.classes["n_audited"][1]
    assert both.certificate.classes["Shirt"] == np.mean(TRUTH[SHIRTS] != 1) < one.certificate.classes["Shirt"]
    assert both.certificate.classes["Coat"] < one.certificate.classes["Coat"]
    assert both.certificate.error_at_most == one.certificate.error_at_most
    assert np.array_equal(both.certified, one.certified) and both.certificate.certified == one.certificate.certified
    assert both.certificate.human_labels_in_all == one.certificate.human_labels_in_all + 200
    strategies = both.after.asked.strategy.tolist()
    assert strategies == ["audit"] * 200 + ["audit_of_class"] * 200
    assert np.array_equal(both.after.labels.label, given.labels.label)


def test_nothing_is_promised_while_an_answer_about_a_class_is_missing():
    given = with_shirts()

    def last_is_missing(rows):
        replies = from_truth(rows)
        if len(rows):
            replies.status[-1], replies.label[-1] = "open", NO_LABEL
        return replies

    shown = audit(given, BY_CLASS, look_up=last_is_missing)
    assert shown.certificate.error_at_most == 1 and not len(shown.certified)
    assert wording.statements(shown.certificate)[0].startswith("Nothing is certified yet: 1 of the 400 answers")
    # A pool that is wholly audited has no more.
    assert audit(given, BY_CLASS._replace(size=10_000, planned=10_000)).certificate.audit.n_by_class == 0
    whole = audit(given, BY_CLASS._replace(size=800, planned=800)).certificate
    assert (whole.audit.n_by_class, whole.audit.n_answered) == (180, 980)


# --- Where two people are asked.

TWICE = PLAN._replace(repeat=0.1)


def said(rows, annotator, label):
    """Answers of a person about some rows; ``label``: of each a class, or one for all."""
    when = datetime(2024, 5, 1, tzinfo=UTC)
    names = [CLASSES[number] if number >= 0 else "skip" for number in np.broadcast_to(label, len(rows)).tolist()]
    return [Answer(HASHES[row], name, annotator, when, "") for row, name in zip(rows, names, strict=True)]


def audit_of(given, plan=TWICE):
    return audit(plan=plan, look_up=answers.reader(given, HASHES, CLASSES))


@pytest.mark.parametrize(("share", "n"), [(0.0, 0), (0.001, 1), (0.1, 3), (0.11, 4), (1.0, 30)])
def test_the_share_that_two_people_are_asked_about_is_rounded_up(share, n):
    assert PLAN._replace(repeat=share).n_repeated(30) == n


def test_the_first_images_drawn_wait_for_a_second_person_and_nothing_is_certified_before():
    _, asked = drawn(final())
    shown = audit_of(said(asked, "ann", TRUTH[asked]))
    waiting = shown.after.asked.where(shown.after.asked.is_waiting)
    assert waiting.row.tolist() == asked[:20].tolist() and set(waiting.status) == {"open"}
    assert set(waiting.label) == {-1} and set(waiting.annotator) == {"ann"}
    issued = shown.certificate
    assert issued.agreement == Agreement(n_both=0, n_alike=0, n_waiting=20)
    assert issued.audit.n_missing == 20 and issued.certified.n == 0 and issued.error_at_most == 1
    # Nobody has answered yet: nobody waits for a second one.
    assert audit_of([]).certificate.agreement == Agreement() and audit_of([]).certificate.audit.n_missing == 200


def test_two_people_who_agree_change_no_figure():
    _, asked = drawn(final())
    given = [*said(asked, "ann", TRUTH[asked]), *said(asked[:20], "bob", TRUTH[asked[:20]])]
    once, twice = audit_of(given, PLAN).certificate, audit_of(given).certificate
    assert twice.agreement == Agreement(n_both=20, n_alike=20)
    assert replace(twice, agreement=Agreement()) == once
    assert audit_of(given).after.asked.annotator[0] == "ann;bob"


@pytest.mark.parametrize("second", [1, -1])
def test_two_people_who_differ_make_the_label_wrong_and_no_third_one_is_asked(second):
    _, asked = drawn(final())
    right = asked[:20][TRUTH[asked[:20]] == 0][0]
    given = [*said(asked, "ann", TRUTH[asked]), *said(asked[:20], "bob", np.where(asked[:20] == right, second, 0))]
    given = [answer for answer in given if answer.annotator == "ann" or TRUTH[int(answer.hash, 16)] == 0]
    given += said([row for row in asked[:20] if TRUTH[row]], "bob", 1)
    shown = audit_of(given)
    issued = shown.certificate
    assert issued.agreement == Agreement(n_both=20, n_alike=19)
    assert issued.audit.n_wrong == audit().certificate.audit.n_wrong + 1
    assert (issued.audit.n_missing, issued.audit.n_skipped) == (0, 1) and not shown.after.asked.is_waiting.any()
    # A third one who comes by counts, as ever.
    again = audit_of([*given, *said([right], "cat", 0)]).certificate
    assert again.audit.n_wrong == issued.audit.n_wrong - 1 and again.agreement == issued.agreement


@pytest.mark.parametrize("seed", range(5))
def test_a_second_person_whatever_they_say_finds_no_fewer_wrong_than_the_first_alone(seed):
    _, asked = drawn(final())
    first, second = np.random.default_rng(seed).integers(-1, 2, (2, len(asked)))
    alone = audit_of(said(asked, "ann", first), PLAN).certificate
    both = audit_of([*said(asked, "ann", first), *said(asked, "bob", second)], PLAN._replace(repeat=1.0)).certificate
    assert both.audit.n_missing == 0 and both.audit.n_wrong >= alone.audit.n_wrong
    assert both.error_at_most >= alone.error_at_most


def test_the_whole_is_issued_though_two_people_differ_about_an_image_of_the_rest():
    plan = TWICE._replace(label_rest=True)
    evidence, (_, asked) = examine(), drawn(final())
    (tied, *_) = [row for row in asked[:20] if row in evidence.to_relabel and TRUTH[row]]
    given = [
        *said(np.arange(N), "ann", TRUTH),
        *said(asked[:20], "bob", np.where(asked[:20] == tied, 0, TRUTH[asked[:20]])),
    ]
    shown = audit_of(given, plan)
    assert shown.certificate.rest_by_people.is_issued and shown.certificate.rest_by_people.n_skipped == 1
    assert not shown.after.asked.is_waiting.any()


def test_agreement_is_in_the_json_where_somebody_was_asked_twice_and_nowhere_else():
    _, asked = drawn(final())
    given = [*said(asked, "ann", TRUTH[asked]), *said(asked[:20], "bob", 0)]
    once, twice = (audit_of(given, plan).certificate for plan in (PLAN, TWICE))
    assert "agreement" not in once.to_json() and Certificate.from_json(once.to_json()) == once
    tree = json.loads(json.dumps(twice.to_json()))
    assert tree["agreement"] == {"n_both": 20, "n_alike": int(np.sum(TRUTH[asked[:20]] == 0)), "n_waiting": 0}
    assert Certificate.from_json(tree) == twice
