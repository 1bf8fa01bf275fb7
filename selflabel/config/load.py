"""params.yaml: read, and every fault of it at once.

There are no defaults: each value stands in params.yaml, where DVC tracks it key by key. That is why stages need not
depend on this module and schema.py: no change of them can change a value.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from selflabel import files
from selflabel.config import checks, schema, wording

MAX_ROUNDS = schema.MAX_ROUNDS


class Params(NamedTuple):
    """The sections of params.yaml in its order, each read-only with its values as attributes."""

    dataset: schema.Dataset
    answers: schema.Answers
    seed_labels: schema.SeedLabels
    self_label: schema.SelfLabel
    accept: schema.Accept
    ask: schema.Ask
    audit: schema.Audit
    export: schema.Export
    features: schema.Features
    graph: schema.Graph
    classifier: schema.Classifier
    smoothing: schema.Smoothing
    training: schema.Training
    stopping: schema.Stopping
    student: schema.Student
    leak: schema.Leak
    evaluate: schema.Evaluate
    draw: schema.Draw


SECTIONS = Params._fields


def faults(tree: object, *, n_round_rows: int | None = None) -> list[str]:
    """Return one sentence for each fault of a params tree, none if it is valid.

    ``n_round_rows``: how many rounds the rounds table has; left out, ``iterations`` is not compared with it.
    """
    return _parse(tree, n_round_rows, SECTIONS)[1]


def load(path: str = "params.yaml", *, sections: Sequence[str] = SECTIONS) -> Params:
    """Return the parameters in a file; raise ``ValueError`` with all faults, a line each, if there are any.

    ``sections``: those that are read, the others are None; left out, all. A stage names its own, as dvc.yaml does: the
    stage check has looked through all, which takes as long as some stages' work.
    """
    tree = files.read_yaml(path)
    if sections is not SECTIONS and isinstance(tree, dict):
        tree = {name: values for name, values in tree.items() if name in sections}
    return parse(tree, source=path, sections=sections)


def parse(tree: object, *, source: str, sections: Sequence[str] = SECTIONS) -> Params:
    """Return the parameters in a tree; raise ``ValueError`` with all faults, each naming ``source``, if there are any.

    ``sections``: those it has to have; left out, all. The others are None.
    """
    params, sentences = _parse(tree, None, sections)
    if params is None:
        raise ValueError("\n".join(f"{source}: {sentence}" for sentence in sentences))
    return params


def _parse(tree: object, n_round_rows: int | None, names: Sequence[str]) -> tuple[Params | None, list[str]]:
    if not isinstance(tree, dict):
        return None, [f"the parameters must be a mapping of sections, got {tree!r}"]
    sentences = [wording.unknown(str(name), str(name), names) for name in tree.keys() - set(names)]
    moved = {wording.moved_to(f"{section}.{key}") for section, values in tree.items() for key in _keys(values)}
    sections: dict[str, schema.Section] = {}
    for name in names:
        if name not in tree:
            # An old file has no such section: the sentences on its moved keys say so.
            sentences += [] if any(path.startswith(f"{name}.") for path in moved) else [f"{name} is missing"]
            continue
        model = schema.model_of(name, Params.__annotations__[name], tree[name])
        if model is None:
            sentences.append(wording.unknown_kind(name, tree[name]))
            continue
        try:
            sections[name] = model.model_validate(tree[name])
        except ValidationError as error:
            sentences += [wording.sentence(name, model, fault) for fault in error.errors()]
    sentences += checks.faults(sections, n_round_rows=n_round_rows)
    if sentences:
        return None, sorted(sentences)
    return Params._make(sections.get(name) for name in SECTIONS), []


def _keys(values: object) -> Sequence[object]:
    return list(values) if isinstance(values, Mapping) else []


def merged(
    base: Mapping[str, Mapping[str, object]], changes: Mapping[str, Mapping[str, object]]
) -> dict[str, dict[str, object]]:
    """Return the tree of sections ``base`` in which the values of ``changes`` have replaced its own.

    Where the kind of a section changes, only those values of ``base`` stay that the new kind has too.
    """
    tree = {}
    for name, values in base.items():
        new = changes.get(name, {})
        mixed = {**values, **new}
        model = schema.model_of(name, None, mixed)
        tree[name] = {
            key: value for key, value in mixed.items() if key in new or not model or key in model.model_fields
        }
    return tree
