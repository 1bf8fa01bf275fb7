"""What is used of a listing: every image once or several times, none with two labels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selflabel.data import duplicates
from selflabel.data.listing import Entry, Problem, listing


def settle(*rows, classes=("cat", "dog"), problems=()):
    """Each row: path, label, split, hash (empty: refused)."""
    found = listing([Entry(*row[:3], row[0]) for row in rows], problems, classes)
    hashes = [row[3] for row in rows]
    return found, hashes, duplicates.settle(found, hashes, ["" if key else "truncated" for key in hashes])


def told(settled):
    return [(problem.path, problem.reason, problem.action) for problem in settled.problems]


def test_what_could_not_be_decoded_is_left_out_and_listed_among_the_other_problems():
    found, hashes, settled = settle(
        ("a", "cat", "pool", "1"), ("c", "dog", "pool", ""), ("d", "", "pool", "2"), ("t", "dog", "test", "3"),
        problems=[Problem("b", "no permission"), Problem("z", "hidden file")],
    )  # fmt: skip
    assert settled.entries["pool"].tolist() == [0, 2]
    assert settled.labels["pool"].tolist() == [0, -1]
    assert (settled.entries["test"].tolist(), settled.labels["test"].tolist()) == ([3], [1])
    assert {labels.dtype for labels in settled.labels.values()} == {np.dtype(np.int16)}
    assert told(settled) == [
        ("b", "no permission", "refused"), ("c", "truncated", "refused"), ("z", "hidden file", "refused")
    ]  # fmt: skip
    index = duplicates.index(found, settled, hashes)
    assert {name: list(column) for name, column in index.items()} == {
        "row": [0, 1, 0], "hash": ["1", "2", "3"], "split": ["pool", "pool", "test"], "conflict": [0, 0, 0],
        "entry": [0, 2, 3], "path": ["a", "d", "t"],
    }  # fmt: skip


def test_the_same_image_again_is_one_image_with_the_label_that_any_was_given_and_is_listed():
    found, hashes, settled = settle(
        ("a", "", "pool", "2"), ("b", "cat", "pool", "2"), ("c", "cat", "pool", "2"), ("d", "", "pool", "1"),
        ("t", "dog", "test", "1"), ("u", "dog", "test", "1"),
    )  # fmt: skip
    # By their hashes, whatever they are called.
    assert settled.entries["pool"].tolist() == [3, 0]
    assert settled.labels["pool"].tolist() == [-1, 0]
    assert not settled.conflict.any()
    assert told(settled) == [
        ("b", "the same as a", "kept"), ("c", "the same as a", "kept"), ("d", "the same as t", "kept")
    ]  # fmt: skip
    index = duplicates.index(found, settled, hashes)
    assert {name: list(column) for name, column in index.items()} == {
        "row": [0, 1, 0, 1, 1, 1], "hash": ["1", "2", "1", "1", "2", "2"],
        "split": ["pool", "pool", "test", "test", "copy", "copy"], "conflict": [0] * 6,
        "entry": [3, 0, 4, 5, 1, 2], "path": ["d", "a", "t", "u", "b", "c"],
    }  # fmt: skip


def test_where_labels_of_the_same_image_contradict_none_counts():
    found, hashes, settled = settle(
        ("a", "", "pool", "1"), ("b", "dog", "pool", "1"), ("c", "cat", "pool", "1"), ("d", "cat", "pool", "2"),
        ("e", "dog", "pool", "3"), ("f", "cat", "pool", "3"), ("t", "dog", "test", "2"),
    )  # fmt: skip
    assert settled.entries["pool"].tolist() == [0, 3, 4]
    assert settled.labels["pool"].tolist() == [-1, 0, -1]
    assert settled.conflict.tolist() == [True, False, True]
    assert settled.copies.tolist() == [[1, 0], [2, 0], [5, 2]]
    asked = ", but labelled cat and dog: a person is asked"
    assert told(settled) == [
        ("b", f"the same as a{asked}", "kept"), ("c", f"the same as a{asked}", "kept"), ("d", "the same as t", "kept"),
        ("e", f"the same as f{asked}", "kept"), ("f", f"the same as e{asked}", "kept"),
    ]  # fmt: skip
    assert duplicates.index(found, settled, hashes)["conflict"].tolist() == [1, 0, 1, 0, 0, 0, 0]


def test_arrays_have_no_path():
    found = listing([Entry("images[0]", "", "pool", np.zeros((2, 2), np.uint8))], [], ["a"])
    assert "path" not in duplicates.index(found, duplicates.settle(found, ["1"], [""]), ["1"])


ROW = st.tuples(st.sampled_from(["", "cat", "dog"]), st.sampled_from(["", "1", "2", "3"]))


@given(pool=st.lists(ROW, max_size=10), test=st.lists(ROW.filter(lambda row: row[0]), max_size=4))
def test_whatever_comes_in_is_used_or_refused_and_one_image_is_one_row_with_one_label(pool, test):
    rows = [(f"{n}", label, "pool", key) for n, (label, key) in enumerate(pool)]
    rows += [(f"t{n}", label, "test", key) for n, (label, key) in enumerate(test)]
    _, hashes, settled = settle(*rows)
    n_refused = [problem.action for problem in settled.problems].count("refused")
    assert sum(map(len, settled.entries.values())) + len(settled.copies) + n_refused == len(rows)
    seen = settled.entries["pool"].tolist()
    assert [hashes[n] for n in seen] == sorted({key for _, key in pool} - {""})
    assert all(hashes[n] == hashes[seen[row]] for n, row in settled.copies.tolist())
    for n, label, conflict in zip(seen, settled.labels["pool"].tolist(), settled.conflict.tolist(), strict=True):
        given = {own for own, key in pool if key == hashes[n]} - {""}
        assert conflict == (len(given) > 1)
        assert label == (["cat", "dog"].index(*given) if len(given) == 1 else -1)
