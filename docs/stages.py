"""Draw the stages: python docs/stages.py | dot -Tsvg > docs/pictures/stages.svg (dot is Graphviz's).

`dvc dag` draws each round's two stages, and every arrow. Here the rounds are one, the stage `code` on which all depend
is left out, and so are arrows that follow from others.
"""

import re
import subprocess
import sys

import networkx

ROUNDS = "self_label and answer\nof each round"


def arrows(folder: str = ".") -> set[tuple[str, str]]:
    """Return the pairs of stages of the project in ``folder`` between which an arrow is drawn."""
    drawn = subprocess.run(["dvc", "dag", "--dot"], cwd=folder, capture_output=True, text=True, check=True).stdout
    pairs = [(_name(a), _name(b)) for a, b in re.findall('"(.*)" -> "(.*)"', drawn)]
    graph = networkx.DiGraph((a, b) for a, b in pairs if a != b and a != "code")
    return set(networkx.transitive_reduction(graph).edges)


def _name(address: str) -> str:
    name = address.split(":")[-1]
    return ROUNDS if name.startswith(("self_label@", "answer@")) else name.replace("@", "\n")


if __name__ == "__main__":
    lines = [f'  "{start}" -> "{end}";'.replace("\n", "\\n") for start, end in sorted(arrows())]
    style = 'shape=box, style="rounded,filled", fillcolor="#e0f2f1", color="#00796b", fontname="Helvetica"'
    graph = [
        'rankdir=LR; bgcolor=white; nodesep=0.2; ranksep=0.35; edge [color="#00796b"];',
        f"node [{style}];",
    ]
    sys.stdout.write("\n".join(["digraph stages {", *graph, *lines, "}", ""]))
