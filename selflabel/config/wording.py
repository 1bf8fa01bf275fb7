"""The words for what pydantic finds wrong with a params tree."""

import difflib
from collections.abc import Iterable, Mapping

from pydantic import BaseModel


def sentence(section: str, model: type[BaseModel], fault: Mapping) -> str:
    """Return the sentence for one of the errors that ``model`` found in a section of that name."""
    path = ".".join([section, *map(str, fault["loc"])])
    kind, got = fault["type"], fault["input"]
    if kind == "missing":
        return f"{path} is missing"
    if kind == "extra_forbidden":
        for key in fault["loc"][:-1]:
            model = model.model_fields[key].annotation
        return unknown(path, str(fault["loc"][-1]), model.model_fields)
    rules = {
        "value_error": lambda: str(fault["ctx"]["error"]),
        "literal_error": lambda: f"must be {fault['ctx']['expected']}",
        "int_type": lambda: "must be a whole number",
        "float_type": lambda: "must be a number",
        "bool_type": lambda: "must be true or false",
        "string_type": lambda: "must be text",
        "list_type": lambda: "must be a list",
        "dict_type": lambda: "must be a mapping",
        "model_type": lambda: "must be a mapping of parameters",
    }
    rule = rules[kind]() if kind in rules else f"is invalid ({fault['msg']})"
    return f"{path} {rule}, got {got!r}"


def unknown(path: str, key: str, known: Iterable[str]) -> str:
    """Return the sentence for a ``path`` whose last ``key`` is none of the known ones."""
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    return f"{path} is not a parameter; {hint}"
