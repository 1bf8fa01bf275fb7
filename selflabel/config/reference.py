"""The parameters' reference, written from the schema: the comments of params.yaml, and the page docs/parameters.md."""

import json
import math
import re
import textwrap
from collections.abc import Iterator, Mapping

import yaml
from pydantic.fields import FieldInfo

from selflabel import files
from selflabel.config import load, schema

WIDTH = 100
HEAD = """\
# Every value the pipeline uses; there are no others in the code. `dvc params diff` compares two
# revisions. docs/parameters.md has the same, with the other kinds of `accept` and `classifier`.
"""
# Sections under a heading each, in the order of the file.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "What everybody sets first": (
        "dataset",
        "answers",
        "seed_labels",
        "self_label",
        "accept",
        "ask",
        "audit",
        "export",
    ),
    "How the machine learns": ("features", "graph", "classifier", "smoothing", "training", "stopping", "student"),
    "Comparisons, figures and pictures": ("leak", "evaluate", "draw"),
}


# Of the sections that have kinds.
ABOUT_KINDS: Mapping[str, str] = {
    "accept": "Which machine labels a round accepts.",
    "classifier": "What learns from the labels.",
}


def params_text(tree: Mapping[str, Mapping[str, object]]) -> str:
    """Return the text of params.yaml with the values of a valid tree, each under its comment."""
    parts = [HEAD]
    for heading, sections in GROUPS.items():
        parts.append(f"\n# {f' {heading} '.center(WIDTH - 2, '-')}\n")
        for name in sections:
            model = _model(name, tree[name])
            about = ABOUT_KINDS.get(name) or _sentence(model)
            chooser = _kinds_comment(name) if name in schema.KINDS else ""
            parts.append(f"\n{_comment(about, '')}{name}:\n{chooser}{_values(model, tree[name], '  ')}")
    return "".join(parts)


def written(value: object) -> str:
    """Return a value as it stands in params.yaml, on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {written(each)}' for key, each in value.items())}}}"
    if not isinstance(value, str):
        return json.dumps(value)
    # A word that YAML takes for a text, or quoted on one line.
    is_word = re.fullmatch("[a-z_]+", value) and files.parse_yaml(value) == value
    return value if is_word else yaml.safe_dump(value, default_style='"', width=math.inf, allow_unicode=True).strip()


_NO_BREAK = "\u00a0"


def _kinds_comment(section: str) -> str:
    chooser, models = schema.KINDS[section]
    kinds = [kind for model in models for kind in schema.kinds_of(model, chooser) or ("an import path",)]
    return _comment(f"{', '.join(kinds)}; each has keys of its own", "  ")


def _values(model: type[schema.Section], values: Mapping[str, object], indent: str) -> str:
    lines = []
    # In the schema's order; what is optional and not there is left out.
    for key, field in model.model_fields.items():
        if key not in values:
            continue
        value = values[key]
        inner = _inner(field)
        if inner and isinstance(value, Mapping):
            about = "; ".join(filter(None, [_sentence(inner).removesuffix("."), field.description]))
            lines.append(f"{_comment(about, indent)}{indent}{key}:\n{_values(inner, value, indent + '  ')}")
        else:
            lines.append(f"{_comment(describe(field), indent)}{indent}{key}: {written(value)}\n")
    return "".join(lines)


def describe(field: FieldInfo) -> str:
    """Return what a parameter does and its range."""
    return "; ".join(filter(None, [field.description, _range(field)]))


def _range(field: FieldInfo) -> str:
    if field.annotation is bool:
        return "true or false"
    checks = [getattr(check, "func", None) for check in _metadata(field)]
    # No line ends inside an interval.
    return next((check.text.replace(" ", _NO_BREAK) for check in checks if isinstance(check, schema.Interval)), "")


def _metadata(field: FieldInfo) -> Iterator[object]:
    yield from field.metadata
    # Of what may be null, the other half carries the range.
    for part in getattr(field.annotation, "__args__", ()):
        yield from getattr(part, "__metadata__", ())


def _sentence(model: type[schema.Section]) -> str:
    about = " ".join((model.__doc__ or "").split())
    return f"{about[:1].upper()}{about[1:]}."


def _comment(text: str, indent: str) -> str:
    if not text:
        return ""
    prefix = f"{indent}# "
    return "".join(
        f"{line}\n".replace(_NO_BREAK, " ")
        for line in textwrap.wrap(
            text, WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_long_words=False, break_on_hyphens=False
        )
    )


def _model(section: str, values: object) -> type[schema.Section]:
    model = schema.model_of(section, load.Params.__annotations__[section], values)
    if model is None:
        raise ValueError(f"{section} must be of a known kind, got {values!r}")
    return model


def page() -> str:
    """Return the page docs/parameters.md: every section, its kinds, its keys and their ranges."""
    parts = [
        "# Parameters\n\n"
        "Every value stands in `params.yaml`; there are no defaults in the code. `make run` refuses a file with a "
        "fault, and tells all faults at once. Change a value in the file, or for one experiment with "
        "`dvc exp run -S self_label.iterations=5`.\n\n"
        "A section `accept` or `classifier` has the keys of its kind alone. To change the kind in an experiment, add "
        "the keys of the new one with `+` and delete those of the old one with `~`: "
        "`dvc exp run -S accept.rule=linear -S +accept.threshold_step=-0.05`.\n\n"
        "This page is written by `selflabel parameters` from the schema.\n"
    ]
    for heading, sections in GROUPS.items():
        parts.append(f"\n## {heading}\n")
        for name in sections:
            parts.append(f"\n### {name}\n")
            parts += _section_page(name)
    return "".join(parts)


def _section_page(name: str) -> Iterator[str]:
    if name not in schema.KINDS:
        yield from _keys(load.Params.__annotations__[name], "")
        return
    key, models = schema.KINDS[name]
    yield f"\n{ABOUT_KINDS[name]}\n"
    for model in models:
        kinds = schema.kinds_of(model, key)
        title = " or ".join(f"`{key}: {kind}`" for kind in kinds) if kinds else f"`{key}:` an import path"
        yield f"\n**{title}**\n"
        yield from _keys(model, "")


def _keys(model: type[schema.Section], prefix: str) -> Iterator[str]:
    yield f"\n{_sentence(model)}\n\n"
    for key, field in model.model_fields.items():
        if field.description and not _inner(field):
            yield f"- `{prefix}{key}`: {describe(field)}\n".replace(_NO_BREAK, " ")
    for key, field in model.model_fields.items():
        if section := _inner(field):
            yield f"\n`{prefix}{key}`{f': {field.description}' if field.description else ''}\n"
            yield from _keys(section, f"{key}.")


def _inner(field: FieldInfo) -> type[schema.Section] | None:
    """Return the model of a section inside a section, None of any other value."""
    annotation = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, schema.Section) else None
