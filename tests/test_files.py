"""Files: whole or not there, the same bytes for the same content, and read as they were written."""

import errno
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from dvc.utils.serialize import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from matplotlib.figure import Figure
from pyarrow import parquet

from selflabel import files

# Some look like a number, a date, a truth value or a missing one.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6) | st.sampled_from(
    ["007", "1e3", "nan", "true", "2024-01-01", "12:30", "NULL", "-"]
)
NUMBERS = st.floats(allow_nan=True, allow_infinity=False)


def table(path, columns):
    files.write_table(path, columns)
    return files.read_table(path)


def test_a_block_that_ends_well_leaves_the_file_and_nothing_else(tmp_path):
    with files.new_array(tmp_path / "new" / "a.npy", (2, 3), np.dtype("float32")) as array:
        array[0] = 1
        array[1] = [2, 3, 4]
    np.testing.assert_array_equal(files.read_array(tmp_path / "new" / "a.npy"), [[1, 1, 1], [2, 3, 4]])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.npy"]


@pytest.mark.parametrize("shape", [(3,), (0, 3)])
@pytest.mark.parametrize("is_there", [False, True])
def test_a_failing_block_leaves_neither_a_file_nor_a_part_of_one_and_keeps_the_older(tmp_path, shape, is_there):
    path = tmp_path / "a.npy"
    if is_there:
        files.write_array(path, np.arange(2))
    with pytest.raises(ZeroDivisionError), files.new_array(path, shape, np.dtype("uint8")) as array:
        array[...] = 1
        raise ZeroDivisionError
    assert [found.name for found in tmp_path.iterdir()] == (["a.npy"] if is_there else [])
    if is_there:
        np.testing.assert_array_equal(files.read_array(path), [0, 1])


def failing_writes():
    class Broken(Figure):
        def savefig(self, *args, **kwargs):
            super().savefig(*args, **kwargs)
            raise OSError("no space left")

    return {
        "json": lambda path: files.write_json(path, {"a": float("nan")}),
        "text": lambda path: files.write_text(path, "\ud800"),
        "table": lambda path: files.write_table(path, {"a": [1], "b": [1, 2]}),
        "array": lambda path: files.write_array(path, np.array([object()])),
        "picture": lambda path: files.write_picture(path, Broken(figsize=(1, 1))),
    }


@pytest.mark.parametrize("name", failing_writes())
def test_a_write_that_fails_leaves_the_older_file_as_it_was(tmp_path, name):
    path = tmp_path / "file.png"
    path.write_bytes(b"older")
    with pytest.raises((ValueError, OSError)):
        failing_writes()[name](path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_has_no_nan_and_no_infinity(tmp_path, value):
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "a.json", {"a": [value]})
    assert list(tmp_path.iterdir()) == []


def test_json_is_sorted_readable_and_ends_with_a_line(tmp_path):
    files.write_json(tmp_path / "a.json", {"b": "ü", "a": [1]})
    assert (tmp_path / "a.json").read_bytes() == '{\n  "a": [\n    1\n  ],\n  "b": "ü"\n}\n'.encode()


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    )
)
def test_json_is_read_as_it_was_written(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    files.write_json(path, value)
    assert files.read_json(path) == value


def test_text_is_read_as_it_was_written(tmp_path):
    files.write_text(tmp_path / "a.txt", "one\ntwø\n")
    assert files.read_text(tmp_path / "a.txt") == "one\ntwø\n"
    assert (tmp_path / "a.txt").read_bytes() == "one\ntwø\n".encode()


@pytest.mark.parametrize("before", [b"", b"one\n", b"one\r\ntwo", "ø\r".encode(), b"\xef\xbb\xbfone\n", b"\xff\xfe"])
@pytest.mark.parametrize("text", ["", "three\n", "three\r\nfour\n", "thrëe\rfour"])
def test_appended_text_comes_after_bytes_that_stay_and_keeps_its_line_ends(tmp_path, before, text):
    path = tmp_path / "a.csv"
    path.write_bytes(before)
    files.append_text(path, text)
    files.append_text(path, text)
    assert path.read_bytes() == before + 2 * text.encode()
    assert list(tmp_path.iterdir()) == [path]


def test_text_appended_to_no_file_makes_one(tmp_path):
    files.append_text(tmp_path / "a.csv", "one\r\n")
    assert (tmp_path / "a.csv").read_bytes() == b"one\r\n"


def test_text_that_cannot_be_appended_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"one\r\n")
    with pytest.raises(ValueError):
        files.append_text(path, "two\n\ud800")
    assert path.read_bytes() == b"one\r\n"


@settings(max_examples=50)
@given(st.sampled_from(["uint8", "int16", "int64", "float32"]), array_shapes(max_dims=3, min_side=0, max_side=3))
def test_an_array_is_read_as_it_was_written_empty_or_not(tmp_path_factory, dtype, shape):
    path = tmp_path_factory.mktemp("array") / "a.npy"
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    files.write_array(path, array)
    np.testing.assert_array_equal(files.read_array(path), array, strict=True)


def test_a_file_read_as_an_array_cannot_be_changed_through_it(tmp_path):
    files.write_array(tmp_path / "a.npy", np.arange(3))
    with pytest.raises(ValueError):
        files.read_array(tmp_path / "a.npy")[0] = 7


def test_an_array_of_objects_is_not_read(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError):
        files.read_array(tmp_path / "a.npy")


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), NUMBERS, TEXTS), max_size=8))
def test_a_table_is_read_as_it_was_written(tmp_path_factory, rows):
    columns = {
        "whole": np.array([row[0] for row in rows], np.int64),
        "number": np.array([row[1] for row in rows], np.float64),
        "text": [row[2] for row in rows],
    }
    found = table(tmp_path_factory.mktemp("table") / "a.csv", columns)
    assert list(found) == list(columns)
    assert found["whole"].tolist() == columns["whole"].tolist()
    np.testing.assert_array_equal(found["number"].astype(float), columns["number"])
    assert found["text"].tolist() == columns["text"]


def test_nan_is_an_empty_cell_and_an_empty_cell_is_nan(tmp_path):
    found = table(tmp_path / "a.csv", {"a": [1.5, float("nan"), 2.5], "b": np.array([1, 2, 3])})
    assert (tmp_path / "a.csv").read_text() == '"a","b"\n1.5,1\n,2\n2.5,3\n'
    np.testing.assert_array_equal(found["a"], [1.5, np.nan, 2.5])


def test_a_missing_value_in_a_list_is_an_empty_cell(tmp_path):
    np.testing.assert_array_equal(table(tmp_path / "a.csv", {"a": [None, 2.5], "b": [1, 2]})["a"], [np.nan, 2.5])


def test_a_number_column_of_empty_cells_is_a_column_of_nan(tmp_path):
    found = table(tmp_path / "a.csv", {"a": np.full(2, np.nan), "b": [1, 2]})
    assert np.isnan(found["a"].astype(float)).all()
    assert found["a"].dtype == np.float64


def test_a_table_of_one_column_keeps_its_empty_cells(tmp_path):
    np.testing.assert_array_equal(table(tmp_path / "a.csv", {"a": [1.0, np.nan, 3.0]})["a"], [1, np.nan, 3])


def test_an_empty_text_stays_a_text(tmp_path):
    assert table(tmp_path / "a.csv", {"a": ["x", "", "z"]})["a"].tolist() == ["x", "", "z"]


def test_a_text_column_of_empty_cells_stays_a_text_column(tmp_path):
    assert table(tmp_path / "a.csv", {"a": ["", ""], "b": [1, 2]})["a"].tolist() == ["", ""]


@pytest.mark.parametrize("text", ["007", "1e3", "nan", "true", "2024-01-01", "12:30"])
def test_a_text_that_looks_like_something_else_stays_that_text(tmp_path, text):
    found = table(tmp_path / "a.csv", {"who": [text, text], '"n"': [7, 8]})
    assert (found["who"].tolist(), found['"n"'].tolist()) == ([text, text], [7, 8])


def test_texts_keep_commas_quotes_and_line_breaks(tmp_path):
    texts = ['a,"b"', '"', "one\ntwo", "\n", " x ", "n/a", "NaN", "null", "ü"]
    assert table(tmp_path / "a.csv", {'a,"b"': texts})['a,"b"'].tolist() == texts


def test_line_breaks_in_texts_survive_in_a_table_of_megabytes(tmp_path):
    texts = [f'{i} one\ntwo, "three"' * 5 for i in range(20_000)]
    assert table(tmp_path / "a.csv", {"a": texts, "b": np.arange(20_000)})["a"].tolist() == texts


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    found = table(tmp_path / "a.csv", {"a": np.empty(0, np.int64), "b": np.empty(0, str), "c": []})
    assert {name: len(column) for name, column in found.items()} == {"a": 0, "b": 0, "c": 0}


def draw_line(path):
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    files.write_picture(path, figure)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: files.write_json(path, {"b": 1, "a": [0.1, None]}),
        lambda path: files.write_table(path, {"a": [0.1, float("nan")], "b": ["x", "y"]}),
        lambda path: files.write_columns(path, {"a": np.array([0.1, np.nan]), "b": np.array(["x", "x"])}),
        lambda path: files.write_array(path, np.arange(12).reshape(3, 4)),
        lambda path: files.write_array(path, np.empty((0, 4))),
        draw_line,
    ],
    ids=["json", "table", "columns", "array", "empty array", "picture"],
)
def test_the_same_content_has_the_same_bytes(tmp_path, write):
    # numpy and matplotlib choose the format by the ending.
    ending = "png" if write is draw_line else "npy"
    paths = [tmp_path / f"one.{ending}", tmp_path / f"other.{ending}"]
    for path in paths:
        write(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_picture_does_not_say_what_drew_it(tmp_path):
    draw_line(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert b"atplotlib" not in data


@settings(max_examples=30)
@given(arrays(np.float64, st.integers(1, 6), elements=st.floats(-1e300, 1e300)))
def test_a_number_in_a_table_loses_no_digit(tmp_path_factory, values):
    found = table(tmp_path_factory.mktemp("table") / "a.csv", {"a": values})["a"].astype(float)
    np.testing.assert_array_equal(found, values)


def test_keys_in_another_order_have_the_same_bytes(tmp_path):
    files.write_json(tmp_path / "a.json", {"a": 1, "b": {"c": 2, "d": 3}})
    files.write_json(tmp_path / "b.json", {"b": {"d": 3, "c": 2}, "a": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1, "b": {"c": 2, "d": 3}}


@pytest.mark.parametrize("n", [0, 1, 2500])
def test_rows_of_a_scratch_array_are_written_and_the_array_is_gone(tmp_path, n):
    rows = np.random.default_rng(0).permutation(2600)[:n]
    with files.scratch_array(tmp_path / "a.npy", (2600, 2, 3), np.dtype(np.uint8)) as scratch:
        scratch[...] = np.random.default_rng(1).integers(0, 256, scratch.shape, np.uint8)
        files.write_rows(tmp_path / "a.npy", scratch, rows)
        expected = np.array(scratch[rows])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), expected)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_a_scratch_array_may_be_empty(tmp_path):
    with files.scratch_array(tmp_path / "a.npy", (0, 2, 3), np.dtype(np.uint8)) as scratch:
        assert (scratch.shape, scratch.dtype) == ((0, 2, 3), np.uint8)


def test_parquet_keeps_types_has_null_for_nan_and_always_the_same_bytes(tmp_path):
    columns = {
        "a": np.int16([1, -1]),
        "b": np.array([0.5, np.nan]),
        "c": np.array(["x", ""], object),
        "d": [True, False],
    }
    for name in ("one", "two"):
        files.write_parquet(tmp_path / name, columns)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    table = parquet.read_table(tmp_path / "one")
    assert [str(kind) for kind in table.schema.types] == ["int16", "double", "string", "bool"]
    assert table.to_pydict() == {"a": [1, -1], "b": [0.5, None], "c": ["x", ""], "d": [True, False]}


@settings(max_examples=50)
@given(st.data())
def test_columns_survive_their_file_each_type_and_text_as_it_was(tmp_path_factory, data):
    n = data.draw(st.integers(0, 30))
    few = st.sampled_from(data.draw(st.lists(TEXTS, min_size=1, max_size=3)))
    columns = {
        name: np.array(data.draw(st.lists(values, min_size=n, max_size=n)), dtype)
        for name, values, dtype in (
            ("int8", st.integers(-128, 127), np.int8), ("int16", st.integers(-9, 9), np.int16),
            ("floats", NUMBERS, np.float64), ("bools", st.booleans(), bool),
            ("texts", TEXTS, object), ("few texts", few, object),
        )
    }  # fmt: skip
    path = tmp_path_factory.mktemp("columns") / "a.arrow"
    files.write_columns(path, columns)
    found = files.read_columns(path)
    assert list(found) == list(columns)
    for name, column in columns.items():
        np.testing.assert_array_equal(found[name], column)
        assert n == 0 or found[name].dtype == column.dtype
    assert list(files.read_columns(path, "texts", "int8", "none")) == ["int8", "texts"]


def test_numbers_of_columns_are_mapped_and_texts_that_are_met_again_take_no_room(tmp_path):
    files.write_columns(tmp_path / "a", {"a": np.arange(10_000, dtype=np.int16), "b": np.array(["a text"] * 10_000)})
    assert (tmp_path / "a").stat().st_size < 10_000 * (2 + 4) + 2_000
    with pytest.raises(ValueError, match="read-only"):
        files.read_columns(tmp_path / "a")["a"][0] = 1


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:70], lambda data: b""])
def test_columns_that_are_not_whole_are_refused_by_name(tmp_path, change):
    path = tmp_path / "a.arrow"
    files.write_columns(path, {"a": np.arange(100)})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"^{path} must be a whole Arrow file, got a damaged one"):
        files.read_columns(path)


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:70], lambda data: data + b"0"])
def test_an_array_that_is_not_as_long_as_its_header_says_is_refused_by_name(tmp_path, change):
    path = tmp_path / "a.npy"
    files.write_array(path, np.arange(100))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=r"a\.npy must be a whole \.npy file, got a damaged one .*check-cache"):
        files.read_array(path)


def test_a_full_disk_is_an_error_with_words_before_anything_is_written(tmp_path, monkeypatch):
    """A mapped file has holes; to fill one where no room is left would end the process with SIGBUS."""

    def full(descriptor, start, size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"), files.new_array(tmp_path / "a.npy", (9,), np.dtype("u1")):
        pass
    with pytest.raises(OSError, match="No space left"), files.scratch_array(tmp_path / "b", (9,), np.dtype("u1")):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_of_the_cache_is_found(tmp_path):
    for content in (b"one", b"two", b'[{"md5": "0"}]'):
        name = hashlib.md5(content).hexdigest()
        ending = ".dir" if content.startswith(b"[") else ""
        place = tmp_path / "files/md5" / name[:2] / (name[2:] + ending)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    assert files.damaged_in_cache(tmp_path) == []
    place.write_bytes(b"[]")
    assert files.damaged_in_cache(tmp_path) == [place]


@pytest.mark.parametrize(
    ("text", "value"), [("a: 010", 10), ("a: 0o10", 8), ("a: yes", "yes"), ("a: 1:30", "1:30"), ("a: 1e-3", 0.001)]
)
def test_yaml_is_read_as_dvc_reads_it(text, value):
    assert files.parse_yaml(text) == {"a": value} == parse_yaml(text, "x.yaml")


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: [", "a: " + "[" * 3_000 + "]" * 3_000])
def test_what_is_no_yaml_is_refused_by_name(tmp_path, text):
    files.write_text(tmp_path / "p.yaml", text)
    with pytest.raises(ValueError, match=r"p\.yaml must be valid YAML, got "):
        files.read_yaml(tmp_path / "p.yaml")


def test_mapped_arrays_are_given_back_and_have_what_was_written(tmp_path):
    with files.new_array(tmp_path / "a.npy", (3_000, 4096), np.dtype(np.uint8)) as array:
        array[:] = 7
        before = _resident()
        files.give_back(array, array[5:9], np.zeros(3))
        assert _resident() < before - 10 * 2**20
        array[1] = 8
    kept = files.read_array(tmp_path / "a.npy")[:, 2:]
    assert kept[0].tolist() == [7] * 4094
    assert kept[1:].sum() == 8 * 4094 + 7 * 2_998 * 4094
    before = _resident()
    files.give_back(kept)
    assert _resident() < before - 10 * 2**20 and kept[1, 0] == 8


def _resident() -> int:
    """Bytes of this process that are in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
