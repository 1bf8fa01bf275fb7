"""Audit the frozen labels: ask people about some drawn at random, and write down how wrong all may be."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from selflabel import files
from selflabel.audit import draw, result, wording
from selflabel.config.load import load
from selflabel.labels import answers, pool_index, provenance, state
from selflabel.rounding import rounded
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "final", "index", "classes", "truth", "answers", "out", "metrics")
    params = load()
    final, classes, hashes = state.read(args.final), files.read_json(args.classes), pool_index.read(args.index)["hash"]
    plan = result.plan_of(params.audit)
    given = []
    if params.answers.source == "people":
        text = files.read_text(args.answers)
        given = answers.parse(text, source=args.answers, classes=classes, known=hashes.tolist())
    look_up = reader(params.answers.source, hashes, given, classes, truth=args.truth)

    rows = draw.targets(final.labels, final.asked["row"])
    in_order = draw.order(hashes, seed=plan.seed, late=answers.late(given))
    drawn = look_up(draw.draw(in_order, rows, size=0 if result.awaited(final) else plan.size))
    earlier = look_up(final.apart)
    known = final.apart[np.isin(earlier["status"], ["answered", "skipped"])]
    shown = result.show(final, rows, drawn, plan, classes=classes, known=known)
    rest = look_up(shown.to_relabel if plan.label_rest else shown.to_relabel[:0])

    after = result.recorded(final, drawn, rest, earlier)
    columns = provenance.columns(after, hashes, classes)
    audited = np.full(len(hashes), "", object)
    # The last name is for label −1, none.
    audited[drawn["row"]] = np.array([*classes, answers.SKIP])[drawn["label"]]
    is_certified = np.isin(np.arange(len(hashes)), shown.certified)
    state.write(args.out, after, **columns, certified=is_certified, audited=audited)
    figures = shown.figures | {
        "rest_by_people": result.by_people(final, shown, rest, plan),
        "human_labels_in_all": int(np.sum(after.with_all_answers().labels.is_human)),
    }
    files.write_json(Path(args.metrics, "certificate.json"), rounded(figures))
    for name, table in {"shares": shown.shares, "classes": shown.classes}.items():
        files.write_table(Path(args.metrics, f"certificate_{name}.csv"), rounded(table))
    say("audit: " + "\n       ".join(wording.statements(figures)))


def reader(
    source: str, hashes: np.ndarray, given: Sequence[answers.Answer], classes: Sequence[str], *, truth: str
) -> Callable[[np.ndarray], dict[str, Any]]:
    """Return what gives the answers about rows: from the file of the truth, or from those that people have given."""
    if source == "simulated":
        return lambda rows: answers.simulated(rows, files.read_array(truth))
    decisions = answers.decide(given, classes=classes)
    return lambda rows: answers.look_up(rows, hashes[rows], decisions)


if __name__ == "__main__":
    run(main)
