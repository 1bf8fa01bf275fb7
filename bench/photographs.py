"""Measure what features are worth on coloured pictures: `python -m bench.photographs [--sets …] [--seeds …]`.

For each set of ``bench.coloured_sets``: the loop as `selflabel init` sets it, with several extractors; the same with
random labels in the place of the asked ones; logistic regression on the same vectors with the same labels, and with
what the loop hands over. All over the same draws of the seed labels. A fifth of the pictures, by their hashes, is held
out. Pictures and vectors are kept in a folder, so that they are made once.
"""

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from bench import coloured_sets
from selflabel import files
from selflabel.config import build, init, load
from selflabel.config.load import Params
from selflabel.data import user_images
from selflabel.embeddings import compute as embeddings
from selflabel.embeddings.pictures import Pictures
from selflabel.evaluation import metrics, study
from selflabel.features import compute, feature_set
from selflabel.features.feature_set import FeatureSet
from selflabel.labels.classes import Classes
from selflabel.loop.run import last_round
from selflabel.markdown import markdown_table

ROOT = Path(__file__).parent.parent
NETWORK, HOG = "efficientnet_lite0", ["hog_fine", "hog_coarse"]
# Each arm: its extractors, and what it changes in params.yaml besides.
ARMS: Mapping[str, tuple[list[str], Mapping[str, Mapping[str, object]]]] = {
    "hog_fine + hog_coarse": (HOG, {}),
    "hog_fine + hog_coarse + colour_histogram": ([*HOG, "colour_histogram"], {}),
    "hog_fine + hog_coarse + kmeans_patches": ([*HOG, "kmeans_patches"], {}),
    "efficientnet_lite0 + hog_fine": ([NETWORK, "hog_fine"], {}),
    "efficientnet_lite0": ([NETWORK], {}),
    "efficientnet_lite0, smoothing.adapt: false": ([NETWORK], {"smoothing": {"adapt": False}}),
    "efficientnet_lite0, random labels": ([NETWORK], {"ask": {"strategy": "random"}}),
}
# One of so many pictures is held out.
HELD_OUT = 5
# Images whose decoding and running are timed.
TIMED = 256


class Inputs(NamedTuple):
    """A set as arrays, pool (N) and test (M): images uint8, truth int16, and the vectors of the network."""

    images: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]
    vectors: tuple[np.ndarray, np.ndarray]
    classes: Classes


def inputs(name: str, work: Path) -> Inputs:
    """Return a set's pictures at the size that init chooses, and their vectors."""
    folder, kept = work / name, work / f"{name}.arrays"
    if not folder.exists():
        one = coloured_sets.SETS[name]
        coloured_sets.fetch(one, work / f"{name}.packages")
        coloured_sets.write(coloured_sets.chosen(one.find(work / f"{name}.packages")), folder)
    if not kept.exists():
        listing = user_images.listed("folder", str(folder))
        side = int(str(init.settings(init.look("folder", str(folder)))["dataset.image_size"]))
        images = np.empty((len(listing.entries), side, side, 3), np.uint8)
        hashes, _ = user_images.decode(listing.entries, images, max_pixels=10**9)
        # In no order that a folder has.
        is_test = np.array([int(key[:8], 16) % HELD_OUT == 0 for key in hashes])
        labels = np.array([listing.classes.index(entry.label) for entry in listing.entries], np.int16)
        network, _ = embeddings.lite0({NETWORK: {"size": 224}}, Path("embeddings"))
        for part, which in (("pool", ~is_test), ("test", is_test)):
            paths = [Path(str(listing.entries[row].source)) for row in np.flatnonzero(which).tolist()]
            files.write_array(kept / f"{part}.npy", images[which])
            files.write_array(kept / f"{part}_truth.npy", labels[which])
            with files.new_array(kept / f"{part}_vectors.npy", (len(paths), network.width), embeddings.DTYPE) as target:
                embeddings.fill(network, Pictures(images[which], paths), target)
        files.write_json(kept / "classes.json", listing.classes)
    read = {path.stem: files.read_array(path) for path in kept.glob("*.npy")}
    return Inputs(
        images={part: read[part] for part in ("pool", "test")},
        truth={part: read[f"{part}_truth"] for part in ("pool", "test")},
        vectors=(read["pool_vectors"], read["test_vectors"]),
        classes=Classes.read(kept / "classes.json"),
    )


def params_of(one: Inputs, folder: Path, changes: Mapping[str, Mapping[str, object]]) -> Params:
    """Return what init would set, were the held-out pictures not in the folder, with changes."""
    given = dict(zip(one.classes, np.bincount(one.truth["pool"]).tolist(), strict=True))
    settings = init.settings(init.look("folder", str(folder))._replace(given=given))
    text = init.edited(files.read_text(ROOT / "params.yaml"), settings)
    return load.parse(load.merged(files.parse_yaml(text), changes), source="params.yaml")


def features_of(one: Inputs, params: Params, extractors: Sequence[str], folder: Path) -> FeatureSet:
    """Return features and graph, which are kept in a folder."""
    parts = [folder / "features", folder / "graph"]
    if not (parts[1] / "test_distances.npy").exists():
        options = params.features.model_dump() | {"extractor": list(extractors)}
        compute.features(options, one.images["pool"], one.images["test"], parts[0], {NETWORK: one.vectors})
        compute.graph(*parts, n_neighbours=params.graph.neighbours, components=params.graph.components)
    return feature_set.read(*parts)


def play(seed: int, *, one: Inputs, params: Params, folder: Path, is_network: bool) -> dict[str, dict[str, Any]]:
    """Return the figures of one run, by what was trained on which labels."""
    features = feature_set.read(folder / "features", folder / "graph")
    truth, config = one.truth["pool"], build.run(params).with_seed(seed)
    percentage = params.seed_labels.percentage
    with threadpool_limits(1):
        before = study.rounds_of(config, features, truth, one.classes, percentage=percentage, seed=seed)
        last = last_round(before, features, config=config.last, classes=one.classes)
        labels, human = last.state.labels, np.flatnonzero(last.state.labels.is_human)
        machine = labels.is_machine
        figures = {
            "loop": {
                "accuracy": metrics.accuracy(one.truth["test"], last.test_probabilities.argmax(axis=1)),
                "label_accuracy": metrics.accuracy(truth[machine], labels.label[machine]),
                "human_labels": len(human),
            }
        }
        if is_network:
            given, weights = labels.label, np.where(machine, labels.confidence, 1.0)
            trained = {
                "people's labels": (human, None), "all labels": (np.arange(len(given)), None),
                "all labels, each weighing its confidence": (np.arange(len(given)), weights),
            }  # fmt: skip
            for name, (which, weight) in trained.items():
                figures[name] = logistic(one, which, given[which], weight, np.flatnonzero(machine))
    return figures


def logistic(
    one: Inputs, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, others: np.ndarray
) -> dict[str, Any]:
    """Return what scikit-learn's logistic regression on standardised vectors learns from some labels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    pool, test = (vector.astype(np.float32) for vector in one.vectors)
    scaler = StandardScaler().fit(pool)
    model = LogisticRegression(C=0.01, max_iter=2_000).fit(scaler.transform(pool[rows]), labels, weights)
    return {
        "accuracy": metrics.accuracy(one.truth["test"], model.predict(scaler.transform(test))),
        "label_accuracy": metrics.accuracy(one.truth["pool"][others], model.predict(scaler.transform(pool[others]))),
        "human_labels": len(rows),
    }


def measured(name: str, work: Path, draws: Sequence[int], arms: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of each arm on a set, a draw each."""
    one, results = inputs(name, work), {}
    for arm in arms:
        extractors, changes = ARMS[arm]
        params = params_of(one, work / name, changes)
        folder = work / f"{name}.{'+'.join(extractors)}"
        features_of(one, params, extractors, folder)
        each = partial(
            play, one=one, params=params, folder=folder, is_network=arm in (NETWORK, f"{NETWORK}, random labels")
        )
        with ProcessPoolExecutor(2) as pool:
            of_draws = list(pool.map(each, draws))
        results[arm] = [figures["loop"] for figures in of_draws]
        for trained in [key for key in of_draws[0] if key != "loop"]:
            told = f"logistic regression on the vectors, {trained}{' (random)' * ('random' in arm)}"
            results[told] = [figures[trained] for figures in of_draws]
    return results


def table(results: Mapping[str, list[dict[str, Any]]]) -> str:
    """Return the figures as Markdown: mean and deviation over the draws."""

    def told(figures: Sequence[dict[str, Any]], key: str) -> str:
        values = [100 * figure[key] for figure in figures]
        return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else f"{np.mean(values):.1f}"

    rows = [
        [arm, f"{figures[0]['human_labels']:,}", told(figures, "label_accuracy"), told(figures, "accuracy")]
        for arm, figures in results.items()
    ]
    return markdown_table(["", "labels learnt from", "machine labels right, %", "held out right, %"], rows)


def summary(by_set: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> str:
    """Return one table of all sets as Markdown: machine labels right / held out right, in percent, means."""
    arms = next(iter(by_set.values()))

    def told(figures: Sequence[dict[str, Any]]) -> str:
        of_machine, held_out = (
            np.mean([100 * figure[key] for figure in figures]) for key in ("label_accuracy", "accuracy")
        )
        return f"{of_machine:.1f} / {held_out:.1f}"

    people = [f"{results[next(iter(arms))][0]['human_labels']:,}" for results in by_set.values()]
    rows = [[arm, *(told(results[arm]) for results in by_set.values())] for arm in arms]
    return markdown_table(["", *by_set], [["labels by people", *people], *rows])


def throughput(folder: Path) -> str:
    """Return how many images a second are embedded, decoding included, beside onnxruntime alone on the same images."""
    paths = sorted(folder.rglob("*.png"))[:TIMED]
    network, _ = embeddings.lite0({NETWORK: {"size": 224}}, Path("embeddings"))
    pictures = Pictures(np.zeros((len(paths), 8, 8, 3), np.uint8), paths)
    target, images = (
        np.empty((len(paths), network.width), embeddings.DTYPE),
        Pictures(np.stack([pictures.square(row, size=224, crop=False) for row in range(len(paths))])),
    )
    prepared = [network.preparation.prepared(images, [row]) for row in range(len(paths))]  # type: ignore[attr-defined]

    def alone() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda one: network._session.run(None, {"images": one}), prepared))  # type: ignore[attr-defined]

    def whole() -> None:
        embeddings.fill(network, pictures, target)

    seconds: dict[str, list[float]] = {"alone": [], "whole": []}
    for _ in range(5):
        for name, run in (("alone", alone), ("whole", whole)):
            began = time.monotonic()
            run()
            seconds[name].append(time.monotonic() - began)
    ratio = np.median(np.array(seconds["whole"]) / np.array(seconds["alone"]))
    return (
        f"{len(paths) / np.median(seconds['whole']):.0f} images a second from their files, "
        f"{len(paths) / np.median(seconds['alone']):.0f} by onnxruntime alone: {ratio:.2f} of its time "
        "(medians of 5 runs in turn)"
    )


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(prog="python -m bench.photographs", description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=coloured_sets.SETS, default=list(coloured_sets.SETS))
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--work", type=Path, default=Path("data/photographs"), help="where all is kept")
    args = parser.parse_args()
    by_set = {}
    for name in args.sets:
        results, one = measured(name, args.work.resolve(), args.seeds, args.arms), coloured_sets.SETS[name]
        n = sum(1 for _ in (args.work / name).rglob("*.png"))
        head = f"{name}: {n:,} pictures, {one.classes}; {one.licence}; {coloured_sets.origin(one)}"
        print(f"\n### {head}\n\n{table(results)}\n\n{throughput(args.work / name)}", flush=True)
        by_set[name] = results
    print(f"\n{summary(by_set)}")


if __name__ == "__main__":
    main()
