"""Whether this machine computes the bytes that others do: `python -m bench.same_bytes` (`make same-bytes`).

Two small runs, from images to labels, in one process: scikit-learn's digits, and 5,000 larger images made of them, with
every extractor, the graph, asking, several classifiers and a student. Prints the processor, the libraries' versions and
kernels, and a digest of what each step gave beside the committed one, for a report; ends with 1 where one differs.
`--write` commits this machine's digests.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from selflabel import processor
from selflabel.data import built_in
from selflabel.features import extractors as features
from selflabel.features import feature_set, pca
from selflabel.features import neighbours as graph
from selflabel.features.neighbours import Graph
from selflabel.labels import answers, state
from selflabel.labels.table import ORIGINS, Labels, to_columns
from selflabel.loop import acceptance
from selflabel.loop.query import QueryConfig
from selflabel.loop.round import RoundConfig
from selflabel.loop.run import run_loop
from selflabel.markdown import markdown_table
from selflabel.models import classifiers
from selflabel.models import student as cnn
from selflabel.models.catalogue import ClassifierConfig
from selflabel.models.predict import FitConfig
from selflabel.models.smoothing import SmoothingConfig

EXPECTED = Path(__file__).with_suffix(".json")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "opencv-python-headless", "faiss-cpu", "tensorflow")
HOG = {
    "window": 28, "block": 14, "stride": 7, "cell": 7, "bins": 9, "win_sigma": -1.0,
    "l2hys_threshold": 0.2, "gamma_correction": True, "signed_gradients": True,
}  # fmt: skip
OPTIONS = {
    "hog": HOG,
    "hog_fine": {"cell": 4, "padding": 2, "bins": 9},
    "hog_coarse": {"cell": 8, "padding": 2, "bins": 12},
    "kmeans_patches": {"patch": 6, "stride": 1, "centres": 32, "grid": 3, "seed": 0},
}
RIDGE = RoundConfig(
    FitConfig(
        ClassifierConfig("kernel_ridge", C=10.0), train_on="human_labels", calibration="temperature", folds=3,
        smoothing=SmoothingConfig(0.8, 15, 0.07),
    ),
    acceptance.Rule("fixed", threshold_start=0.5), keep="revise",
    query=QueryConfig("margin+smoothed_margin+k_means+typiclust", 20, 60, 0.0, 0.2, 0),
)  # fmt: skip
CLASSIFIERS = (
    "linear_svm", "logistic_regression", "kernel_svm", "knn", "random_forest", "hist_gradient_boosting",
    "sklearn.naive_bayes.GaussianNB",
)  # fmt: skip
STUDENT = cnn.StudentConfig(
    epochs=1, width=4, batch_size=64, learning_rate=0.003, weight_decay=0.01, shift=1, flip=True, cutout=4, sharpen=2.0,
    seed=0,
)  # fmt: skip


def digest(*arrays: np.ndarray) -> str:
    """Return 16 hexadecimal digits of the arrays' types, shapes and bytes."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def larger(images: np.ndarray, labels: np.ndarray, *, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``n`` images uint8 (n, 28, 28), three times as large, moved and made noisy, and their labels."""
    generator = np.random.default_rng(0)
    chosen = generator.integers(0, len(images), n)
    found = generator.integers(0, 40, (n, 28, 28), dtype=np.uint8)
    big = np.kron(images[chosen] // 2, np.ones((1, 3, 3), np.uint8))
    for image, one, (down, right) in zip(found, big, generator.integers(0, 5, (n, 2)), strict=True):
        image[down : down + 24, right : right + 24] += one
    return found, labels[chosen]


def steps(images: np.ndarray, truth: np.ndarray, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield name and digest of each step of a run on images, uint8 (N, h, w), with labels int (N,)."""
    extractors = [features.reduced(features.EXTRACTORS[name](images, OPTIONS), images, 32) for name in names]
    widths = [features.n_features(extract, images.shape[1:]) for extract in extractors]
    pool = np.empty((len(images), sum(widths)), np.float32)
    features.fill([(extract, images) for extract in extractors], pool)
    features.balance(pool, feature_set.blocks(pool, widths))
    yield "features", digest(pool)

    near = np.empty((len(pool), 24), np.float32)
    graph.project(pca.fit(pca.sample(pool), 24), pool, near)
    ((neighbours, distances),) = graph.nearest(near, neighbours=10)
    yield "graph", digest(neighbours, distances)

    nobody = np.empty((0, 10), np.int32), np.empty((0, 10), np.float32)
    links = Graph(graph.similarity(neighbours, distances), *nobody)
    of_pool = feature_set.FeatureSet(pool, pool[:0], tuple(feature_set.blocks(pool, widths)), links)
    rows = np.sort(np.concatenate([np.flatnonzero(truth == c)[:6] for c in range(10)]))
    options = {"config": RIDGE, "classes": [str(c) for c in range(10)]}
    final = run_loop(
        state.first(Labels.from_seeds(rows, truth[rows], n_rows=len(truth))),
        of_pool,
        n_rounds=3,
        answer=lambda asked: answers.from_truth(asked, truth),
        **options,
    )
    yield "questions", digest(final.asked.row)
    # Of one type each, whatever a table makes of row and origin.
    told = {"row": np.arange(len(truth)), "origin": np.array(ORIGINS)[final.labels.origin]}
    yield "labels", digest(*(to_columns(final.labels) | told).values())

    taught = np.flatnonzero(final.labels.is_human)
    known = classifiers.TrainingSet(pool, taught, truth[taught], blocks=of_pool.blocks)
    for name in CLASSIFIERS:
        fitted = classifiers.fit(ClassifierConfig(name, trees=20), known, n_classes=10)
        yield name.rsplit(".", 1)[-1], digest(np.round(fitted(pool), 6))

    soft = np.eye(10, dtype=np.float32)[truth]
    weights = cnn.train(images, soft, student=STUDENT)
    yield "student", digest(*weights, *cnn.look(weights, images[:1_000], student=STUDENT, n_classes=10))


def digests() -> dict[str, str]:
    """Return the digest of each step of both runs, by run and step."""
    pool = built_in.digits("").pool
    runs = {
        "digits": (pool.images, pool.labels, ("hog_fine", "hog_coarse", "pixels")),
        "5,000 images": (*larger(*pool, n=5_000), ("hog_fine", "hog_coarse", "kmeans_patches", "hog")),
    }
    return {f"{run}: {step}": found for run, data in runs.items() for step, found in steps(*data)}


def machine() -> list[list[str]]:
    """Return rows of what decides: the processor, what is pinned, versions, kernels in use."""
    rows = [["processor", platform.machine()], ["cores", str(os.cpu_count())]]
    known = processor.flags()
    rows += [[f"has {name}", "yes" if name in known else "no"] for name in ("avx2", "fma", "avx512f")]
    rows += [[name, os.environ.get(name, "")] for name in processor.PINS]
    rows += [[name, importlib.metadata.version(name)] for name in LIBRARIES]
    for library in threadpool_info():
        name = f"{library['internal_api']} of {Path(library['filepath']).parent.name.split('.')[0]}"
        rows.append([name, f"{library['version'] or ''} {library.get('architecture', '')}".strip()])
    return rows


def main() -> None:
    found = digests()
    if "--write" in sys.argv[1:]:
        EXPECTED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    print(markdown_table(["machine", ""], machine()))
    rows = [[step, value, "same" if expected.get(step) == value else "differs"] for step, value in found.items()]
    print("\n" + markdown_table(["step", "digest", "as committed"], rows))
    if found != expected:
        sys.exit("\n" + (processor.note() or "this machine computes other bytes than the committed: please report it"))


if __name__ == "__main__":
    main()
