"""What is used of a listing: every image once or several times, none with two labels."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from selflabel import settling
from selflabel.listing import Entry, Problem, listing


def settle(*rows, classes=("cat", "dog"), problems=()):
    """Each row: path, label, split, hash (empty: refused)."""
    found = listing([Entry(*row[:3], row[0]) for row in rows], problems, classes)
    hashes = [row[3] for row in rows]
    return found, hashes, settling.settle(found, hashes, ["" if key else "truncated" for key in hashes])


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
    index = settling.index(found, settled, hashes)
    assert {name: list(column) for name, column in index.items()} == {
        "row": [0, 1, 0], "hash": ["1", "2", "3"], "split": ["pool", "pool", "test"], "conflict": [0, 0, 0],
        "path": ["a", "d", "t"],
    }  # fmt: skip


def test_the_same_image_again_is_kept_and_listed():
    *_, settled = settle(
        ("a", "cat", "pool", "1"), ("b", "cat", "pool", "1"), ("c", "", "pool", "1"), ("d", "", "pool", "2"),
        ("t", "dog", "test", "2"), ("u", "dog", "test", "2"),
    )  # fmt: skip
    assert settled.labels["pool"].tolist() == [0, 0, -1, -1]
    assert not settled.conflict.any()
    assert told(settled) == [
        ("b", "the same as a", "kept"), ("c", "the same as a", "kept"), ("d", "the same as t", "kept")
    ]  # fmt: skip


def test_where_labels_of_the_same_image_contradict_none_counts():
    found, hashes, settled = settle(
        ("a", "", "pool", "1"), ("b", "dog", "pool", "1"), ("c", "cat", "pool", "1"), ("d", "cat", "pool", "2"),
        ("e", "dog", "pool", "3"), ("f", "cat", "pool", "3"), ("t", "dog", "test", "2"),
    )  # fmt: skip
    assert settled.labels["pool"].tolist() == [-1, -1, -1, 0, -1, -1]
    assert settled.conflict.tolist() == [False, True, True, False, True, True]
    asked = ", but labelled cat and dog: a person is asked"
    assert told(settled) == [
        ("b", f"the same as a{asked}", "kept"), ("c", f"the same as a{asked}", "kept"), ("d", "the same as t", "kept"),
        ("e", f"the same as f{asked}", "kept"), ("f", f"the same as e{asked}", "kept"),
    ]  # fmt: skip
    assert settling.index(found, settled, hashes)["conflict"].tolist() == [0, 1, 1, 0, 1, 1, 0]


def test_arrays_have_no_path():
    found = listing([Entry("images[0]", "", "pool", np.zeros((2, 2), np.uint8))], [], ["a"])
    assert "path" not in settling.index(found, settling.settle(found, ["1"], [""]), ["1"])


ROW = st.tuples(st.sampled_from(["", "cat", "dog"]), st.sampled_from(["", "1", "2", "3"]))


@settings(deadline=None)
@given(pool=st.lists(ROW, max_size=10), test=st.lists(ROW.filter(lambda row: row[0]), max_size=4))
def test_whatever_comes_in_is_used_or_refused_and_one_image_has_one_label(pool, test):
    rows = [(f"{n}", label, "pool", key) for n, (label, key) in enumerate(pool)]
    rows += [(f"t{n}", label, "test", key) for n, (label, key) in enumerate(test)]
    found, hashes, settled = settle(*rows)
    n_refused = [problem.action for problem in settled.problems].count("refused")
    assert sum(map(len, settled.entries.values())) + n_refused == len(rows)
    given, seen = {}, settled.entries["pool"].tolist()
    for n in seen:
        given.setdefault(hashes[n], set()).add(found.entries[n].label)
    for n, label, conflict in zip(seen, settled.labels["pool"].tolist(), settled.conflict.tolist(), strict=True):
        own, all_given = found.entries[n].label, given[hashes[n]] - {""}
        assert conflict == bool(own and len(all_given) > 1)
        assert label == (-1 if conflict or not own else ["cat", "dog"].index(own))
