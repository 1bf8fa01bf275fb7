"""The card of an exported data set: what is in it, how wrong it may be, how it came about."""

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
import yaml

from selflabel.audit.certificate import Certificate
from selflabel.audit.wording import statements
from selflabel.data.registry import BUILT_IN, OWN
from selflabel.labels.table import ORIGINS
from selflabel.markdown import markdown_table

_CARD = """\
---
{head}---

# {name}, labelled by selflabel

{n}. People labelled some, a classifier others; every label says which. {answers}

`labels.csv` and `labels.parquet` hold the same rows, `queue.csv` what a person should label next, best first.
`pred_probs.npy` has their class probabilities, float32, in the order of `classes.json`; where a person gave the label,
by a classifier that has not seen it. Rows are NaN where nothing may be told yet.

## Columns

- `hash`: of the image's content; `path`: of its file, from this folder, empty where there is none
- `label`: a class, empty for none; `origin`: seed (given before round 1), human (a person's answer), machine, none
- `round`: since which the image has this label; 0 for seed labels, -1 for none
- `confidence`: the classifier's, in [0, 1]; 1 for labels by people, empty for none
- `certified`: whether the machine label is one of those that the certificate below calls certified
- `annotator`: who answered; empty for seed and machine labels

## Which labels to train on

Train on all of them: a model that does is as good as the labels. `confidence` may weigh each, and `pred_probs.npy` be
its soft target. Where a wrong label costs more than a missing one, take those of people (`origin` seed or human) and
those with `certified`. Never test on labels by machine.

## Labels by class and origin

{counts}

{waiting}## How wrong the labels may be

{promises}

{corrections}

{networks}## Code

Revision `{revision}`: the SHA-256 sum of
`code.txt`, which lists each file of the code that labelled with its own. In a checkout of the project,
`sha256sum --check` with that file tells whether it is the same code.

## How to cite

Cite where the images come from, and this labelling of them:

```bibtex
{citation}
```

## Parameters

{fence}yaml
{parameters}{fence}
"""


def title(dataset: Mapping[str, str]) -> str:
    """Return a data set's name; a user's own is called after its folder or file."""
    is_own = dataset["name"] in OWN
    return " ".join((PurePath(dataset["path"]).name or "images").split()) if is_own else dataset["name"]


# The Hub's names of sizes, and the images that each is below.
_SIZES = {"n<1K": 1e3, "1K<n<10K": 1e4, "10K<n<100K": 1e5, "100K<n<1M": 1e6, "1M<n<10M": 1e7}


def head(table: Mapping[str, np.ndarray], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the Hub reads of the card: licence, task, size, tags, and which files are the data."""
    dataset, n = params["dataset"], len(table["label"])
    built_in = BUILT_IN.get(dataset["name"])
    # The Hub reads one kind of files from a folder: the images, whose metadata have all columns, where they are there.
    config = {"data_dir": "imagefolder"} if params["export"]["imagefolder"] else {"data_files": "labels.parquet"}
    return {
        # Of one's own images only their owner knows it.
        "license": built_in.licence.lower().replace(" ", "-") if built_in else "unknown",
        "pretty_name": f"{_text(title(dataset))}, labelled by selflabel",
        "task_categories": ["image-classification"],
        "size_categories": [next((name for name, below in _SIZES.items() if n < below), "n>10M")],
        "annotations_creators": ["machine-generated"],
        "tags": ["selflabel", "pseudo-labels"],
        "configs": [{"config_name": "default", **config}],
    }


def revision(code: str) -> str:
    """Return what stands for the code's revision: SHA-256 of the list of its files, as ``sha256sum`` has it."""
    return hashlib.sha256(code.encode()).hexdigest()


def counts(table: Mapping[str, np.ndarray], classes: Sequence[str]) -> str:
    """Return a Markdown table of how many images have each class, by the label's origin."""
    origins = [name for name in ORIGINS if name != "none"]
    kinds, label = {name: table["origin"] == name for name in origins}, table["label"]
    rows = [
        [_text(name), *(f"{np.sum((label == name) & is_one):,}" for is_one in kinds.values()),
         f"{np.sum(label == name):,}"] for name in classes
    ]  # fmt: skip
    rows.append(["(no label)", *[""] * len(origins), f"{np.sum(label == ''):,}"])
    rows.append(["all", *(f"{np.sum(is_one):,}" for is_one in kinds.values()), f"{len(label):,}"])
    return markdown_table(["class", *origins, "all"], rows)


def who_answered(source: str) -> str:
    """Return in a sentence whether the answers are people's; ``source``: of the section answers."""
    if source == "simulated":
        return "The answers are simulated: looked up in the data set's true labels, as if people had been asked."
    return "The answers are people's."


def corrections(n_judged: int, n_wrong: int, *, release: str) -> str:
    """Return in a sentence what became of the machine labels that people judged; ``release``: of the section audit."""
    if not n_judged:
        return "Nobody judged a machine label in an audit."
    judged = (
        f"People judged {n_judged:,} machine labels in the audit. Their answers are the labels here, with the origin "
        f"human; {n_wrong:,} of them correct the machine's. "
    )
    if release == "best":
        return judged + (
            "The classifier has learnt from them too and given all other labels anew (audit.release: best): the "
            "sentences above speak of the labels before that, not of these, and none here is certified."
        )
    return judged + (
        "The sentences above speak of the labels as they were before that: what is corrected can only be less wrong."
    )


def seen_by(networks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return in a section which networks, or whose vectors, saw the images; empty for none.

    ``networks``: facts by the extractor's name: origin, and where they are known licence and sha256.
    """
    if not networks:
        return ""
    lines = []
    for name, facts in networks.items():
        licence = f", {facts['licence']}" if "licence" in facts else ""
        digest = f", SHA-256 `{facts['sha256']}`" if "sha256" in facts else ""
        lines.append(f"- `{name}`: {_text(facts['origin'])}{licence}{digest}")
    return "\n".join(["## What saw the images", "", *lines]) + "\n\n"


def waiting(n: int) -> str:
    """Return in a sentence how many labels are held back until the audit has its answers; empty for none."""
    return f"{n:,} machine labels are held back, for the audit still asks about their images.\n\n" if n else ""


def card(
    table: Mapping[str, np.ndarray],
    classes: Sequence[str],
    *,
    certificate: Certificate,
    params: Mapping[str, Any],
    code: str,
    networks: Mapping[str, Mapping[str, Any]],
    judged: tuple[int, int],
    n_withheld: int,
) -> str:
    """Return the card in Markdown.

    ``table``: the export's. ``params``: of params.yaml. ``code``: of code.txt. ``networks``: the facts of each that saw
    the images, by the extractor's name. ``judged``: how many machine labels people judged in the audit, and found
    wrong. ``n_withheld``: how many an open question of the audit is about.
    """
    name = title(params["dataset"])
    promises = "\n".join(f"- {_text(sentence)}" for sentence in statements(certificate))
    tree = yaml.safe_dump(dict(params), sort_keys=False, allow_unicode=True, width=120)
    return _CARD.format(
        head=yaml.safe_dump(head(table, params), sort_keys=False, allow_unicode=True),
        name=_text(name),
        n=f"{len(table['label']):,} images of {len(classes):,} classes",
        answers=who_answered(params["answers"]["source"]),
        counts=counts(table, classes),
        promises=promises,
        waiting=waiting(n_withheld),
        corrections=corrections(*judged, release=params["audit"]["release"]),
        networks=seen_by(networks),
        revision=revision(code),
        citation=citation(name, revision(code)),
        parameters=tree,
        # Longer than any in the text, which ends before it then.
        fence="`" * max(3, 1 + max(map(len, re.findall("`+", tree)), default=0)),
    )


def citation(name: str, version: str) -> str:
    """Return a BibTeX entry, in which whoever publishes the data set adds author and year."""
    # Braces and backslashes are BibTeX's own, the others a page's.
    plain = re.sub(r"[{}\\<>`]", "", name)
    return (
        f"@misc{{selflabel_{re.sub(r'[^A-Za-z0-9]+', '_', plain)}_{version[:12]},\n"
        f"  title = {{{plain}, labelled by selflabel}},\n"
        f"  note = {{Labels by people and by machine, with a certificate; code revision {version[:12]}}}\n}}"
    )


def _text(name: str) -> str:
    # On one line, and no page runs it: Markdown may hold HTML.
    return html.escape(" ".join(name.split()), quote=False)
