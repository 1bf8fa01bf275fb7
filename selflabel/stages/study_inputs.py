"""Get what arms of the study start from: a data set, its features, its graph (reads all truth)."""

from pathlib import Path

from selflabel import files
from selflabel.config import load
from selflabel.data import built_in
from selflabel.features import compute
from selflabel.stages import parse, run


def main() -> None:
    args = parse(__doc__, "inputs", "arms", "out")
    tree = files.read_yaml(args.arms)["inputs"][args.inputs]
    checked = load.parse(tree, source=f"{args.arms}, {args.inputs}", sections=("dataset", "features", "graph"))
    dataset = built_in.load(checked.dataset.name, checked.dataset.source)
    for part in ("pool", "test"):
        images, labels = getattr(dataset, part)
        files.write_array(Path(args.out, f"{part}_images.npy"), images)
        files.write_array(Path(args.out, f"{part}_truth.npy"), labels)
    files.write_json(Path(args.out, "classes.json"), dataset.classes)
    folders = [Path(args.out, name) for name in ("features", "graph")]
    compute.features(checked.features.model_dump(), dataset.pool.images, dataset.test.images, folders[0])
    compute.graph(*folders, n_neighbours=checked.graph.neighbours, components=checked.graph.components)


if __name__ == "__main__":
    run(main)
