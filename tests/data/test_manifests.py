"""Manifests: rows as they were written, or the line that is wrong."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selflabel.data import listing


def rows(text):
    data = text if isinstance(text, bytes) else text.encode()
    return listing.parse_manifest(data, source="m.csv")


def error(text):
    with pytest.raises(ValueError) as found:
        rows(text)
    return str(found.value)


def test_a_row_has_path_label_and_split_and_other_columns_are_left_alone():
    assert rows("note,split,path,label\nx,test,a.png,cat\ny,,b.png,\n") == [
        {"path": "a.png", "label": "cat", "split": "test"},
        {"path": "b.png", "label": "", "split": "pool"},
    ]


def test_a_manifest_may_have_paths_alone_and_a_byte_order_mark_and_blank_lines():
    assert rows(b"\xef\xbb\xbfpath\r\na.png\r\n\r\n") == [{"path": "a.png", "label": "", "split": "pool"}]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "m.csv:1: header must have the column path, and none of its columns twice, got []"),
        ("file,label\n", "m.csv:1: header must have the column path, and none of its columns twice, got ['file', 'la"),
        ("path,path\n", "m.csv:1: header must have the column path, and none of its columns twice"),
        ("path,label\na,b\nc\n", "m.csv:3: a row must have 2 cells, got 1"),
        ('path,label\n"a\nb",x\nc,d,e\n', "m.csv:4: a row must have 2 cells, got 3"),
        ("path,split\na,train\n", "m.csv:2: split must be pool, test or empty, got 'train'"),
        ('path\na\n"b\n', "m.csv:3: a row must be CSV, got something else"),
        ('path\n"a"b\n', "m.csv:2: a row must be CSV, got something else"),
        (b"path\na\n\xff.png\n", "m.csv:3: a manifest must be UTF-8, got the byte 0xff"),
    ],
)
def test_what_is_no_manifest_is_an_error_naming_the_line(text, sentence):
    assert error(text).startswith(sentence)


CELLS = st.text(st.characters(codec="utf-8"), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["pool", "test"]))), st.sampled_from(["\n", "\r\n"]))
def test_whatever_is_written_is_read(written, end):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=end).writerows([listing.MANIFEST_COLUMNS, *written])
    assert [tuple(row.values()) for row in rows(text.getvalue())] == written
