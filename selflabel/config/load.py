"""params.yaml: read, and every fault of it at once.

There are no defaults: each value stands in params.yaml, where DVC tracks it key by key. That is why stages need
not list this module and schema.py among their dependencies: no change of them can change a value.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import ValidationError

from selflabel import files
from selflabel.config import checks, schema, wording
from selflabel.config.schema import MAX_ROUNDS as MAX_ROUNDS


class Params(NamedTuple):
    """The sections of params.yaml, each read-only with its values as attributes."""

    dataset: schema.Dataset
    features: schema.Features
    graph: schema.Graph
    seed_labels: schema.SeedLabels
    self_label: schema.SelfLabel
    ask: schema.Ask
    answers: schema.Answers
    audit: schema.Audit
    classifier: schema.Classifier
    smoothing: schema.Smoothing
    student: schema.Student
    leak: schema.Leak
    evaluate: schema.Evaluate
    draw: schema.Draw
    export: schema.Export


def faults(tree: object, *, n_round_rows: int | None = None) -> list[str]:
    """Return one sentence for each fault of a params tree, none if it is valid.

    ``n_round_rows``: how many rounds the rounds table has; left out, ``iterations`` is not compared with it.
    """
    return _parse(tree, n_round_rows)[1]


def load(path: str = "params.yaml") -> Params:
    """Return the parameters in a file; raise ``ValueError`` with all faults, a line each, if there are any."""
    return parse(files.read_yaml(path), source=path)


def parse(tree: object, *, source: str, sections: Sequence[str] = tuple(Params.__annotations__)) -> Params:
    """Return the parameters in a tree; raise ``ValueError`` with all faults, each naming ``source``, if there are any.

    ``sections``: those it has to have; left out, all. The others are None.
    """
    params, found = _parse(tree, None, sections)
    if found:
        raise ValueError("\n".join(f"{source}: {fault}" for fault in found))
    return params


def _parse(
    tree: object, n_round_rows: int | None, names: Sequence[str] = tuple(Params.__annotations__)
) -> tuple[Params | None, list[str]]:
    if not isinstance(tree, dict):
        return None, [f"the parameters must be a mapping of sections, got {tree!r}"]
    models, found = {name: Params.__annotations__[name] for name in names}, []
    for name in tree.keys() - models.keys():
        found.append(wording.unknown(str(name), str(name), models))
    sections = {}
    for name, model in models.items():
        if name not in tree:
            found.append(f"{name} is missing")
            continue
        try:
            sections[name] = model.model_validate(tree[name])
        except ValidationError as error:
            found += [wording.sentence(name, model, fault) for fault in error.errors()]
    found += checks.faults(sections, n_round_rows=n_round_rows)
    return (None if found else Params(**dict.fromkeys(Params.__annotations__) | sections)), sorted(found)
