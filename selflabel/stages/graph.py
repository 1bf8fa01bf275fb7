"""Find each image's nearest neighbours in the pool, along the features' principal components."""

from selflabel.config.load import load
from selflabel.features import compute
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "features", "out")
    params = load(sections=["graph"])
    n = compute.graph(args.features, args.out, n_neighbours=params.graph.neighbours, components=params.graph.components)
    say(f"graph: {n} neighbours an image" if n else "graph: none (graph.neighbours is 0)")


if __name__ == "__main__":
    run(main)
