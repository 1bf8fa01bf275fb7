"""Names of classes: which may stand beside each other."""

import pytest

from selflabel.labels import classes


def test_names_that_differ_are_taken_whatever_they_are():
    classes.check(["cat", "cats", "dog dog", "ünï", 'a "b"', "7", "error"])


@pytest.mark.parametrize("pair", [("Cat", "cat"), ("cat", "cat "), ("STRASSE", "straße"), ("é", "e\u0301")])
def test_names_that_a_person_would_mix_up_are_refused(pair):
    with pytest.raises(ValueError) as error:
        classes.check(["x", *pair])
    assert str(error.value) == f"classes must differ by more than case and spaces, got {pair[0]!r} and {pair[1]!r}"


@pytest.mark.parametrize("name", ["skip", "Skip", "", " ", "actual"])
def test_a_name_that_an_answer_cannot_have_is_refused(name):
    with pytest.raises(ValueError) as error:
        classes.check(["x", name])
    assert str(error.value) == f"a class must have a name, and another one than skip or actual, got {name!r}"


@pytest.mark.parametrize("name", ["a\x00", "a\nb", "a\t"])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(ValueError, match="without control characters"):
        classes.check([name])
