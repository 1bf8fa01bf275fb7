"""Audit the frozen labels: ask people about some drawn at random, and write down how wrong all may be."""

from pathlib import Path

import numpy as np

from selflabel import audit, files, pool_index, provenance, sample, state, statements
from selflabel.answers import SKIP
from selflabel.params import load
from stages import answer, parse, run, say


def main() -> None:
    args = parse(__doc__, "final", "index", "classes", "truth", "answers", "out", "metrics")
    params = load()
    final, classes, hashes = state.read(args.final), files.read_json(args.classes), pool_index.read(args.index)["hash"]
    plan = audit.Plan(**dict(params.audit))
    look_up = answer.reader(params.answers.source, hashes, classes, truth=args.truth, answers_file=args.answers)

    rows = sample.targets(final.labels, final.asked["row"])
    answers = look_up(sample.draw(sample.order(hashes, seed=plan.seed), rows, size=plan.size))
    shown = audit.show(final, rows, answers, plan, classes=classes)
    rest = look_up(shown.rest if plan.label_rest else shown.rest[:0])

    after = audit.recorded(final, answers, rest)
    columns = provenance.columns(after, hashes, classes)
    audited = np.full(len(hashes), "", object)
    # The last name is for label −1, none.
    audited[answers["row"]] = np.array([*classes, SKIP])[answers["label"]]
    is_certified = np.isin(np.arange(len(hashes)), shown.certified)
    state.write(args.out, after, **columns, certified=is_certified, audited=audited)
    figures = shown.figures | {
        "rest_by_people": audit.by_people(final, shown, rest, plan),
        "human_labels_in_all": int(np.sum(after.labels.is_human | ~np.isin(audited, ["", SKIP]))),
    }
    files.write_json(Path(args.metrics, "certificate.json"), audit.rounded(figures))
    for name, table in {"shares": shown.shares, "classes": shown.classes}.items():
        files.write_table(Path(args.metrics, f"certificate_{name}.csv"), audit.rounded(table))
    say("audit: " + "\n       ".join(statements.statements(figures)))


if __name__ == "__main__":
    run(main)
