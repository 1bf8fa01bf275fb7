"""Find each image's nearest neighbours in the pool, along the features' principal components."""

from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.config.load import load
from selflabel.features import neighbours as graph
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "features", "out")
    params = load()
    compute(args.features, args.out, neighbours=params.graph.neighbours, components=params.graph.components)


def compute(features: str, out: str, *, neighbours: int, components: int) -> None:
    """Write the neighbours and squared distances of pool and test images, nearest first, into the folder ``out``."""
    # Of several extractors the first is to be that whose neighbours are most alike.
    columns = files.read_json(Path(features, "blocks.json"))[0]["columns"]
    pool, test = (files.read_array(Path(features, f"{part}.npy"))[:, :columns] for part in ("pool", "test"))
    found = [(np.empty((len(part), 0), np.int32), np.empty((len(part), 0), np.float32)) for part in (pool, test)]
    if neighbours:
        near_pool, near_test = graph.principal_components(pool, test, components=components)
        found = graph.nearest(near_pool, near_test, neighbours=neighbours)
    for part, arrays in zip(("pool", "test"), found, strict=True):
        for kind, array in zip(("neighbours", "distances"), arrays, strict=True):
            files.write_array(Path(out, f"{part}_{kind}.npy"), array)
    say(f"graph: {found[0][0].shape[1]} neighbours an image" if neighbours else "graph: none (graph.neighbours is 0)")


if __name__ == "__main__":
    run(main)
