"""The parameters' reference: the comments of params.yaml and the page of the docs are the schema's."""

import param_trees
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from projects import ROOT

from selflabel import files
from selflabel.config import load, reference, schema

TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


def test_the_comments_of_the_committed_file_are_the_schemas():
    assert reference.params_text(files.parse_yaml(TEXT)) == TEXT


def test_no_line_of_it_is_longer_than_a_hundred_characters():
    assert max(map(len, TEXT.splitlines())) <= 100


@pytest.mark.parametrize(
    ("section", "kind"), [(name, kind) for name in param_trees.KINDS for kind in param_trees.KINDS[name]]
)
def test_a_file_with_another_kind_is_written_and_read_with_the_same_values(section, kind):
    tree = files.parse_yaml(TEXT) | {section: param_trees.block(section, kind)}
    text = reference.params_text(tree)
    assert files.parse_yaml(text) == yaml.safe_load(text) == tree
    assert load.faults(files.parse_yaml(text)) == []


@given(st.text())
def test_whatever_text_a_value_is_it_is_read_again(text):
    assert files.parse_yaml(f"a: {reference.written(text)}") == {"a": text}


def test_every_section_stands_under_one_heading_in_the_order_of_the_parameters():
    assert [name for names in reference.GROUPS.values() for name in names] == list(load.SECTIONS)


def test_the_page_names_every_key_of_every_kind():
    page = reference.page()
    for name in load.SECTIONS:
        models = schema.KINDS[name][1] if name in schema.KINDS else [load.Params.__annotations__[name]]
        for model in models:
            for key, field in model.model_fields.items():
                assert f"`{key}`" in page or f"`{key}:" in page, (name, key)
                assert (
                    field.description is None
                    or reference.describe(field).replace("\u00a0", " ") in page
                    or not field.description
                )


def test_the_committed_page_is_the_schemas():
    assert (ROOT / "docs/parameters.md").read_text(encoding="utf-8") == reference.page()
