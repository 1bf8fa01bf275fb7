"""Results as tables: what a reader finds in them."""

import pytest

from selflabel.evaluation import results
from selflabel.markdown import markdown_table

REPORT = {
    "test": {"accuracy": 0.8407, "macro_f1": 0.837259},
    "pool": {"coverage": 1.0, "label_accuracy": 0.841061},
    "human_labels": 600,
    "baselines": {
        "fully_supervised": {"accuracy": 0.896, "macro_f1": 0.895111, "human_labels": 60000},
        "seed_only": {"accuracy": 0.8428, "macro_f1": 0.841566, "human_labels": 600},
        "true_labels_leak": {"accuracy": 0.8743, "macro_f1": 0.872795, "human_labels": 41222},
    },
}


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_a_table_is_padded_so_that_every_line_has_the_same_length():
    assert markdown_table(["name", "n"], [["a", 1], ["longer", 12345]]) == (
        "| name   |     n |\n"
        "| ------ | ----: |\n"
        "| a      |     1 |\n"
        "| longer | 12345 |"
    )  # fmt: skip


def test_a_table_of_no_rows_is_a_header():
    assert markdown_table(["a", "b"], []) == "| a   |   b |\n| --- | --: |"


def test_a_bar_in_a_cell_does_not_end_the_cell():
    line = markdown_table(["name"], [["a|b"]]).splitlines()[2]
    assert line == "| a\\|b |"


@pytest.mark.parametrize("row", [["a"], ["a", 1, 2]])
def test_a_row_of_another_length_than_the_header_is_refused(row):
    with pytest.raises((ValueError, IndexError)):
        markdown_table(["name", "n"], [["b", 2], row])


def test_the_run_stands_among_its_baselines_worst_first():
    table, sentence = results.table(REPORT, is_tutorials=True).split("\n\n")
    assert cells(table) == [
        ["trained on", "true labels used", "test accuracy", "macro F1", "tutorial prints"],
        ["-" * 42, "-" * 15 + ":", "-" * 12 + ":", "-" * 7 + ":", "-" * 14 + ":"],
        ["self-labelled (this run)", "600", "0.8407", "0.8373", ""],
        ["seed labels alone", "600", "0.8428", "0.8416", ""],
        ["the tutorial as published (its label leak)", "41,222", "0.8743", "0.8728", "0.87"],
        ["all true labels", "60,000", "0.8960", "0.8951", "0.90"],
    ]
    assert sentence == "Pool: 100.00% of the images have a label; 84.11% of its labels by machine are right."


def test_of_machine_labels_that_nobody_can_judge_nothing_is_said():
    report = REPORT | {"pool": {"coverage": 0.01}}
    assert results.table(report, is_tutorials=True).endswith("\n\nPool: 1.00% of the images have a label.")


def test_without_test_images_a_sentence_stands_in_place_of_the_table():
    report = {"pool": {"coverage": 1.0}, "human_labels": 40, "out_of_fold": {"accuracy": 0.9, "n": 30}}
    assert results.table(report, is_tutorials=False) == (
        "No test set; 90.0% of 30 human-given labels are predicted right out of fold, by classifiers that did not "
        "learn from them (an estimate); 40 human labels.\n\nPool: 100.00% of the images have a label."
    )
    del report["out_of_fold"]
    assert results.table(report, is_tutorials=False).startswith("No test set, and no labels out of fold")


def test_a_perfect_accuracy_comes_last():
    report = REPORT | {"test": {"accuracy": 1.0, "macro_f1": 1.0}}
    assert cells(results.table(report, is_tutorials=True).split("\n\n")[0])[-1][0] == "self-labelled (this run)"


ARMS = {
    "alone": {"about": "600 seed labels"},
    "asked": {"about": "540 asked", "against": "alone"},
    "not run": {"about": "nothing yet", "against": "alone"},
}


def runs(*accuracies, **more):
    return [
        {"seed": seed, "accuracy": value, "coverage": 1.0, "true_labels": 600} | more
        for seed, value in enumerate(accuracies)
    ]


def test_a_study_is_a_line_for_each_arm_that_was_run_with_its_paired_difference():
    figures = {"asked": runs(0.9, 0.8, 0.85, label_accuracy=0.7), "alone": runs(0.8, 0.7, 0.78, coverage=0.5)}
    assert cells(results.study_table(ARMS, figures))[0][0] == "arm (3 seeds)"
    alone, asked = cells(results.study_table(ARMS, figures))[2:]
    assert alone == ["`alone`: 600 seed labels", "600", "0.7600 ± 0.0529", "–", "0.500", ""]
    # Differences 0.1, 0.1, 0.07: mean 0.09, standard deviation 0.01732; t with two degrees of freedom is 4.3027.
    assert asked[1:] == ["600", "0.8500 ± 0.0500", "0.7000 ± 0.0000", "1.000", "+0.0900 ± 0.0430 alone"]


def test_a_difference_is_paired_by_seed_and_not_by_place():
    figures = {"alone": runs(0.8, 0.7), "asked": runs(0.9, 0.8)[::-1]}
    assert cells(results.study_table(ARMS, figures))[3][-1] == "+0.1000 ± 0.0000 alone"


def test_a_study_of_one_seed_has_neither_spread_nor_interval():
    figures = {"alone": runs(0.8), "asked": runs(0.9)}
    assert [row[2::3] for row in cells(results.study_table(ARMS, figures))[2:]] == [
        ["0.8000", ""],
        ["0.9000", "– alone"],
    ]


def test_the_tutorials_figures_stand_only_beside_its_settings():
    assert "tutorial prints" in results.table(REPORT, is_tutorials=True)
    table = results.table(REPORT, is_tutorials=False)
    assert "tutorial prints" not in table and "0.87 |" not in table and "leak" not in table
    assert results.is_tutorials(results.TUTORIAL_PARAMS | {"draw": {"seed": 1}})
    assert not results.is_tutorials(results.TUTORIAL_PARAMS | {"dataset": {"name": "digits"}})
    assert not results.is_tutorials({})


def test_the_certificate_is_a_list_and_a_benchmark_adds_what_is_true():
    from examples import certificate

    lines = results.certificate_list(certificate(), {}).splitlines()
    assert len(lines) == 7 and all(line.startswith("- ") for line in lines)
    true = {"certificate": {"whole_error": 0.105, "all_error": 0.1}}
    assert results.certificate_list(certificate(), true).splitlines()[-1] == (
        "- In truth, which a benchmark knows, 10.5% of the machine labels, 10.0% of all labels are wrong."
    )
