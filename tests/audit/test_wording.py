"""The certificate's sentences, whole: one for each way it can end."""

import pytest
from examples import certificate

from selflabel.audit import wording


def sentences(**changes):
    return wording.statements(certificate(**changes))


def test_each_promise_has_its_sentence():
    assert sentences() == [
        "Audit: of 300 machine labels drawn at random 20 are wrong; 500 human labels in all.",
        "Estimate: none, for fewer than five audited labels are wrong, or right.",
        "Whole set: at most 9.6 % of the 1,000 machine labels about which nobody was asked are wrong.",
        "By class, all together: at most 3.2 % (Bag) to 20 % (Coat) are wrong; metrics/certificate_classes.csv has "
        "all, and how many answers would do. Good enough, at most 5 % of each: Bag.",
        "Certified: at most 5 % of the 600 machine labels with a confidence of at least 0.9 are wrong.",
        "Whole data set: 90 more labels by people would certify that at most 5 % of all 1,200 labels are wrong; "
        "10 would certify 8 % (with audit.label_rest; to choose among these is another look).",
        "Each promise holds for this set of labels with 95 % confidence, not on average over many sets, and by itself, "
        "whatever sizes of the audit are looked at: they share the risk, of which this one takes 75 %. Wrong "
        "means: not what the person asked says; labels that people gave count as right.",
    ]


def test_what_would_help_most_has_its_price():
    assert wording.to_do_better(certificate()) == (
        "audit.label_rest, 90 more answers, would certify that at most 5 % of all labels are wrong; more of ask.budget "
        "would teach the machine more; the class with the weakest promise is Coat"
    )
    none = certificate(audit={"n_drawn": 0, "n_first": 59})
    assert wording.to_do_better(none) == "an audit would tell how wrong the labels may be: audit.size of at least 59"
    done = certificate(rest_by_people={"n_answered": 90, "n_missing": 0, "n_skipped": 0, "is_issued": True})
    assert wording.to_do_better(done).startswith("the whole data set is certified at 5 %")


@pytest.mark.parametrize(
    ("bound", "said"), [(0.1284, "12.9 %"), (0.0003, "0.03 %"), (0.00987, "0.99 %"), (0.13, "13 %"), (1.0, "100 %")]
)
def test_a_bound_is_never_rounded_down(bound, said):
    assert f"at most {said} of the 1,000" in sentences(whole={"error_at_most": bound})[2]


def test_levels_are_told_as_they_are():
    found = sentences(target=1 / 30, confidence=0.9996)
    assert "at most 3.33333 % of" in found[4] and "with 99.96 % confidence" in found[-1]


@pytest.mark.parametrize(
    ("n_enough", "end"),
    [
        (520, "has its own part of the risk, so that the audit may be enlarged and looked at again.)"),
        (0, "better labels would help, or a larger audit.error."),
    ],
)
def test_where_nothing_is_certified_it_says_what_would_be_enough(n_enough, end):
    enough = {"n_enough": n_enough} if n_enough else {}
    found = sentences(certified={"n": 0, "coverage": 0.0} | enough)[4]
    assert found.startswith("Certified: no image.") and found.endswith(end)
    assert ("an audit.size of 520 would be enough, were as large a share wrong." in found) == bool(n_enough)


def test_classes_that_are_good_enough_are_named_and_answers_by_class_are_counted():
    told = sentences(classes={"Coat": 0.2, "Bag": 0.05, "Shirt": 0.01}, audit={"n_by_class": 300, "n_skipped": 2})
    assert told[0].startswith("Audit: of 300 machine labels drawn at random 20 are wrong (in all 2 that nobody could")
    assert told[3].startswith(
        "By class, all together, with 300 answers more that are allocated to them: at most 1 % (Shirt) to 20 % (Coat) "
    )
    assert told[3].endswith(" Good enough, at most 5 % of each: Bag, Shirt.")


def test_classes_of_which_half_may_be_wrong_are_named():
    told = sentences(classes={"Coat": 0.5, "Bag": 0.0312, "Shirt": 1.0})[3]
    assert told.endswith("Do not trust the labels of Coat, Shirt: half or more may be wrong.")


def test_an_audit_is_looked_at_when_it_has_as_many_answers_as_a_size_that_has_its_part_of_the_risk():
    assert sentences(audit={"n_wanted": 499})[0].endswith(
        "in all. (audit.size 499 counts as 300: an audit is looked at when it has audit.planned answers, 300, or two, "
        "four, eight, ... times as many, or a half, a quarter, ... of them.)"
    )


def test_an_audit_of_another_size_than_the_planned_one_says_what_that_costs():
    told = sentences(audit={"n_wanted": 150, "n_drawn": 150, "part": 1 / 32})[-1]
    assert "of which this one takes 3.125 % and the planned one (audit.planned, 300) 75 %." in told


def test_promises_that_hold_together_say_so():
    assert sentences(together=True)[-1].startswith(
        "All promises hold together for this set of labels with 95 % confidence, not on average over many sets, "
    )


GOAL = {
    "share": 0.5, "n_machine": 500, "n_answered": 40, "evidence": 3.214, "wanted": 20.0, "is_reached": False,
    "n_more": 31, "n_expected": 98,
}  # fmt: skip


def test_a_sequential_audit_says_how_far_it_is_and_that_one_may_stop():
    told = sentences(goal=GOAL, audit={"n_wrong": 2, "n_missing": 20})
    assert told == [
        "Audit: 2 of 40 answers say that the label is wrong; 500 human labels in all.",
        "Goal: that at most 5 % of the 500 most confident machine labels (50 %) are wrong. The evidence is 3.21 of 20: "
        "31 more answers at least, and 260 at most, until it is enough; if the confidences are right some 98 are usual "
        "in all. Nothing is certified yet; who stops breaks no promise.",
    ]


def test_a_sequential_audit_that_cannot_reach_its_goal_says_so():
    told = sentences(goal=GOAL | {"n_more": None}, audit={"n_wrong": 9})
    assert "would not be enough with 300 answers, were all others right. Certified: no image." in told[1]


def test_a_sequential_audit_that_has_its_goal_promises_what_follows():
    told = sentences(goal=GOAL | {"is_reached": True, "n_more": 0, "evidence": 20.5})
    assert told[1].endswith("The evidence is 20.5 of 20: enough, and nobody is asked any more.")
    assert [line.split(":")[0] for line in told[2:-1]] == ["Whole set", "Certified", "Whole data set"]
    assert "another look" not in told[4] and "after whichever answer the audit is looked at or ended" in told[5]


def test_missing_answers_are_counted_and_promise_nothing():
    (found,) = sentences(audit={"n_missing": 12})
    assert found.startswith("Nothing is certified yet: 12 of the 300 answers of the audit are missing.")


@pytest.mark.parametrize(("n_machine", "why"), [(1_000, "audit.size is 0"), (0, "there is no machine label")])
def test_without_an_audit_nothing_is_known(n_machine, why):
    (found,) = sentences(audit={"n_drawn": 0}, n_machine=n_machine)
    assert found.startswith(f"No audit ({why}") and "200 answers are the fewest" in found


def test_the_whole_data_set_is_certified_once_people_have_labelled_the_rest():
    done = {"n_answered": 88, "n_missing": 0, "n_skipped": 2, "is_issued": True}
    assert sentences(rest_by_people=done)[5] == (
        "Whole data set: at most 5 % of all 1,200 labels, but for 2 that nobody could tell, are wrong; "
        "88 labels by people saw to that."
    )
    missing = {"n_answered": 50, "n_missing": 40, "n_skipped": 0, "is_issued": False}
    assert "90 more labels by people (40 are missing) would certify" in sentences(rest_by_people=missing)[5]


def test_estimates_looks_and_skips_are_told():
    both = {
        "classical": {"estimate": 0.1, "low": 0.05, "high": 0.15},
        "prediction_powered": {"estimate": 0.09, "low": 0.06, "high": 0.12},
    }
    found = sentences(estimate=both, looks=3, audit={"n_skipped": 4})
    assert "(4 that nobody could tell count as wrong)" in found[0]
    assert found[1] == (
        "Estimate, with an approximate interval at 95 %: 10.0 % (5.0 to 15.0) of the machine labels are wrong; with "
        "the confidences of all labels (PPI++) 9.0 % (6.0 to 12.0)."
    )
    assert "of which this one takes 75 %; 3 looks share all of that." in found[-1]


def test_an_audit_that_waits_for_the_rounds_says_so():
    (found,) = sentences(audit={"n_drawn": 0, "n_awaited": 94})
    assert found.startswith("No audit yet: 94 questions of the rounds have no answer")


def test_how_far_two_people_agree_is_told_where_they_were_asked():
    told = sentences(agreement={"n_both": 50, "n_alike": 46, "n_waiting": 0})[-1]
    assert told.endswith(
        "labels that people gave count as right. Two people agree on 46 of the 50 audited images that two were asked "
        "about; where they do not, the label counts as wrong unless most say it."
    )


def test_answers_of_second_people_that_are_missing_are_told():
    (told,) = sentences(audit={"n_missing": 12}, agreement={"n_both": 3, "n_alike": 3, "n_waiting": 5})
    assert told.startswith(
        "Nothing is certified yet: 12 of the 300 answers of the audit are missing, 5 of them those of a second person "
        "(audit.repeat), about images that one has answered."
    )
