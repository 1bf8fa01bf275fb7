"""Audit the frozen labels: ask people about some drawn at random, and write down how wrong all may be."""

from functools import partial
from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.audit import certificate, wording
from selflabel.config.load import load
from selflabel.labels import answers, provenance, state
from selflabel.labels.classes import SKIP, Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.rounding import rounded
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "final", "index", "classes", "truth", "answers", "out", "metrics")
    params = load(sections=["audit", "answers"])
    final, classes, hashes = state.read(args.final), Classes.read(args.classes), PoolIndex.read(args.index).hash
    late: set[str] = set()
    if params.answers.source == "people":
        text = files.read_text(args.answers)
        given = answers.parse(text, source=args.answers, classes=classes, known=hashes.tolist())
        look_up, late = answers.reader(given, hashes, classes), answers.late(given)
    else:
        look_up = partial(answers.simulated, truth=files.read_array(args.truth))
    config = certificate.AuditConfig.of(params.audit)
    if params.answers.source != "people":
        # The truth has no second opinion.
        config = config._replace(repeat=0.0)
    audit = certificate.audit(final, hashes, look_up, config, classes=classes, late=late)

    audited = np.full(len(hashes), "", object)
    audited[audit.drawn.row] = classes.names(audit.drawn.label, none=SKIP)
    columns = provenance.columns(audit.after, hashes, classes)
    columns |= {"certified": np.isin(np.arange(len(hashes)), audit.certified), "audited": audited}
    state.write(args.out, audit.after, **columns)
    if audit.path:
        n = np.arange(1, len(audit.path.wealth) + 1)
        files.write_table(Path(args.out, "path.csv"), rounded({"answers": n, "evidence": audit.path.wealth}))
    files.write_json(Path(args.metrics, "certificate.json"), rounded(audit.certificate.to_json()))
    files.write_table(Path(args.metrics, "certificate_shares.csv"), rounded(audit.shares))
    files.write_table(Path(args.metrics, "certificate_classes.csv"), rounded(audit.classes))
    say("audit: " + "\n       ".join(wording.statements(audit.certificate)))


if __name__ == "__main__":
    run(main)
