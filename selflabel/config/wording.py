"""The words for what is wrong with a params tree."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from selflabel.config import schema

# What pydantic calls a fault, and the rule that is broken.
RULES = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping of parameters",
}


def sentence(section: str, model: type[schema.Section], fault: Mapping[str, Any]) -> str:
    """Return the sentence for one of the errors that pydantic found with ``model`` in a section of that name."""
    path = ".".join([section, *map(str, fault["loc"])])
    kind, got = fault["type"], fault["input"]
    if kind == "missing":
        return f"{path} is missing"
    if kind == "extra_forbidden":
        for key in fault["loc"][:-1]:
            annotation = model.model_fields[key].annotation
            model = annotation if isinstance(annotation, type) and issubclass(annotation, schema.Section) else model
        return unknown(path, str(fault["loc"][-1]), model.model_fields, model=model)
    rule = RULES.get(kind, f"is invalid ({fault['msg']})")
    if kind == "value_error":
        rule = str(fault["ctx"]["error"])
    if kind == "literal_error":
        rule = f"must be {fault['ctx']['expected']}"
    return f"{path} {rule}, got {got!r}"


def unknown(path: str, key: str, known: Iterable[str], *, model: type[schema.Section] | None = None) -> str:
    """Return the sentence for a ``path`` whose last ``key`` is none of the known ones, those of ``model``."""
    if new := moved_to(path):
        return f"{path} is {new} now"
    if why := schema.REMOVED.get(path):
        return f"{path} is no parameter any more: {why}"
    section = path.split(".")[0]
    if model and section in schema.KINDS:
        chooser, models = schema.KINDS[section]
        if others := [other for other in models if other is not model and key in other.model_fields]:
            kinds = [kind for other in others for kind in schema.kinds_of(other, chooser) or ("an import path",)]
            return f"{path} belongs to {section}.{chooser}={' or '.join(kinds)} alone"
    close = difflib.get_close_matches(key, known := list(known), n=1)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    return f"{path} is not a parameter; {hint}"


def moved_to(path: str) -> str:
    """Return what a parameter of older versions is called now; empty if it was never renamed."""
    return schema.MOVED.get(path, "")


def unknown_kind(section: str, values: object) -> str:
    """Return the sentence for a section whose kind is missing, or none of those that there are."""
    chooser, models = schema.KINDS[section]
    if not isinstance(values, Mapping):
        return f"{section} must be a mapping of parameters, got {values!r}"
    if chooser not in values:
        return f"{section}.{chooser} is missing"
    kinds = [kind for model in models for kind in schema.kinds_of(model, chooser)]
    if not schema.kinds_of(models[-1], chooser):
        return f"{section}.{chooser} must be text, got {values[chooser]!r}"
    return f"{section}.{chooser} must be one of {', '.join(kinds)}, got {values[chooser]!r}"
