"""Tell what a run would do before it does it: images, classes, questions, disk, time; and what hinders it."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from selflabel.audit.certificate import AuditConfig
from selflabel.config import checks, schema
from selflabel.config.load import Params
from selflabel.data import listing, user_images
from selflabel.data.registry import BUILT_IN
from selflabel.embeddings.efficientnet_lite0 import SIZE, WIDTH
from selflabel.features import pca
from selflabel.labels import answers, seeds

# Seconds on two cores, from cold runs of the default on Fashion-MNIST (docs/performance.md); an estimate within a
# factor of two, which is all a plan needs.
STAGE, ROUND, DECODED, EXTRACTED, LINKED, SCORED, TAUGHT = 0.6, 1.5, 3e-4, 4.5e-5, 7e-5, 2e-5, 4.5e-4
# Of an image: efficientnet_lite0 at 224 pixels, other networks taken for as fast; a patch's nearness to a centre. Of
# principal components: exact, times the cube of the columns; approximate, times the columns.
EMBEDDED, NEARNESS, EXACT, APPROXIMATE = 5e-3, 7e-8, 3e-10, 8e-4
# An answer on the page: `python -m bench.label_session` plays five a second, a person looks.
ANSWERED = 3
STAGES, FULLY_SUPERVISED = 25, 20
# Bytes of an image in the final tables, and in those of a round; features where none are projected.
FINAL_BYTES, ROUND_BYTES, UNPROJECTED = 300, 36, 2_000
USUAL_PIXELS = 28 * 28
# Images of a portion, and how many portions at once; bytes of what is imported.
PORTION, CORES, BASE = 1_000, 2, 300_000_000
# Bytes of a link while the graph is built, and of a class's scores while a round chooses by them.
LINK_BYTES, SCORE_BYTES = 36, 24
# What makes a part of the memory smaller.
REMEDIES = {
    "features": "a smaller dataset.image_size, or features.extractor=efficientnet_lite0,",
    "graph": "a smaller graph.components or graph.neighbours",
    "a round": "a smaller training.folds",
}
SHOWN = 3


class Data(NamedTuple):
    """Facts about the data, as far as one can tell without decoding an image."""

    n_pool: int
    n_test: int
    given: Mapping[str, int] | None  # labels of each class; None where they are drawn
    n_values: int  # of an image: pixels times channels
    refused: Sequence[listing.Problem] = ()
    layout: str = ""  # which folders were taken for what, in words


def survey(params: Params) -> Data:
    """Return what there is at dataset.path, or in a built-in data set; raise ``ValueError`` where it cannot be used."""
    dataset = params.dataset
    if built_in := BUILT_IN.get(dataset.name):
        return Data(built_in.n_pool, built_in.n_test, None, built_in.side**2)
    listed = user_images.survey(dataset.name, dataset.path, dataset.classes)
    n_pool = sum(entry.split == "pool" for entry in listed.entries)
    refused = [problem for problem in listed.problems if problem.action == "refused"]
    n_values = dataset.image_size**2 * (3 if dataset.colour else 1)
    return Data(n_pool, len(listed.entries) - n_pool, user_images.given(listed), n_values, refused, listed.layout)


def plan(params: Params, *, n_round_rows: int) -> tuple[list[str], list[str]]:
    """Return the plan's lines, and why the run would not get through; raise ``ValueError`` as ``survey`` does."""
    data = survey(params)
    reasons = faults(params, data, n_round_rows=n_round_rows)
    return lines(params, data) + ([] if reasons else ["next: `dvc repro`"]), reasons


def faults(params: Params, data: Data, *, n_round_rows: int) -> list[str]:
    """Return one sentence for each reason why the run would not get through, none if it would.

    ``n_round_rows``: how many rounds the rounds table has.
    """
    reasons = checks.faults(params._asdict(), n_round_rows=n_round_rows)
    if data.given is None:
        return reasons
    if params.answers.source == "simulated" and sum(data.given.values()) < data.n_pool:
        reasons.append("answers.source must be people where no truth is known to simulate from, got simulated")
    folds = params.training.folds
    rare = [f"{name} ({n})" for name, n in _seeds(params, data).items() if n < max(folds, 1)]
    # People are asked about what has no label yet.
    if rare and params.answers.source != "people":
        reasons.append(
            "training.folds must be at most the seed labels of each class, and these at least one (given labels, or "
            f"of a benchmark seed_labels.percentage of them), got {folds}, more than there are of {', '.join(rare)}"
        )
    if params.dataset.name == "folder" and (unreadable := listing.dvc_fault(data.refused)):
        reasons.append(unreadable)
    there = _physical_memory()
    for part, needed in _memory(params, data).items():
        if needed > there:
            reasons.append(
                f"{part} must fit into this machine's {there / 1e9:.0f} GB of memory, got some {needed / 1e9:.0f} GB: "
                f"{REMEDIES[part]} needs less"
            )
    if data.refused and params.dataset.on_error == "stop":
        files = f"{len(data.refused):,} file{'s' * (len(data.refused) > 1)}"
        reasons.append(f"dataset.on_error must be skip to go on without {files} that cannot be used, got stop")
    return reasons


def lines(params: Params, data: Data) -> list[str]:
    """Return the plan, a line a subject."""
    formulas = [name for name in data.given or {} if answers.neutral(name) != name]
    return [
        f"data: {_data(params, data)}",
        f"labels given: {_given(params, data)}",
        *[f"spreadsheets: the queue has an apostrophe before {', '.join(formulas)}, lest they be run"][: len(formulas)],
        f"files that cannot be used: {_refused(data)}",
        f"people: {_people(params, data)}",
        f"features: {_features(params, data)}",
        f"disk: some {_round(2 * _bytes(params, data) / 1e6):,} MB, half of it DVC's cache",
        "memory: " + ", ".join(f"{part} some {_round(n / 1e6):,} MB" for part, n in _memory(params, data).items()),
        f"time: {_duration(_seconds(params, data))} on two cores, but for what people take",
    ]


def _data(params: Params, data: Data) -> str:
    where = params.dataset.name + (f" {params.dataset.path}" if data.given is not None else "")
    test = f"{data.n_test:,} test images" if data.n_test else "no test images: accuracy is estimated out of fold"
    layout = f" ({data.layout})" if data.layout else ""
    return f"{where}: {data.n_pool:,} images in the pool, {test}{layout}"


def _given(params: Params, data: Data) -> str:
    if data.given is None:
        return f"{params.seed_labels.percentage:g} % of each class, drawn at random"
    n = sum(data.given.values())
    if n == data.n_pool:
        return f"{params.seed_labels.percentage:g} % of each class, drawn at random: all labels are given, a benchmark"
    of_each = ", ".join(f"{name} {count:,}" for name, count in data.given.items())
    return f"{n:,}, of {len(data.given):,} classes ({of_each})"


def _seeds(params: Params, data: Data) -> dict[str, int]:
    """Return the seed labels of each class of a user's own data: all that are given, or a benchmark's share."""
    given = data.given or {}
    if sum(given.values()) < data.n_pool:
        return dict(given)
    return {name: seeds.count(n, params.seed_labels.percentage) for name, n in given.items()}


def _refused(data: Data) -> str:
    if not data.refused:
        return "none found; what is damaged shows only when it is decoded"
    first = ", ".join(f"{problem.path} ({problem.reason})" for problem in data.refused[:SHOWN])
    return f"{len(data.refused):,}: {first}{', ...' if len(data.refused) > SHOWN else ''}"


def _people(params: Params, data: Data) -> str:
    n_questions = 0
    if params.ask.strategy != "none":
        n_questions = min(params.ask.budget, params.ask.per_round * params.self_label.iterations)
    n_given = sum(_seeds(params, data).values())
    n_questions = min(n_questions, data.n_pool - n_given)
    audit = AuditConfig.of(params.audit)
    n_audited = min(audit.n_asked, data.n_pool - n_given - n_questions)
    n_twice = audit.n_repeated(n_audited) if params.answers.source == "people" else 0
    twice = f" ({n_twice:,} of them by two people)" if n_twice else ""
    most = "at most " if audit.is_sequential else ""
    in_rounds = f"{n_questions:,} questions in {params.self_label.iterations} rounds"
    asked = f"{in_rounds}, {most}{n_audited:,} images to audit{twice}"
    if params.answers.source != "people":
        return f"{asked}, {params.answers.source}"
    n_seconds = ANSWERED * (n_questions + n_audited + n_twice)
    return f"{asked}, people: {_duration(n_seconds)} of one's time, were an answer a matter of {ANSWERED} seconds"


def _features(params: Params, data: Data) -> str:
    columns = _columns(params, data)
    kept = params.features.components
    told = ", ".join(f"{name} {min(n, kept) if kept else n:,} of {n:,}" for name, n in columns.items())
    networks = [name for name in columns if name in schema.EMBEDDINGS and name != "precomputed"]
    return told + (f"; {' and '.join(networks)} from the original files" if networks and data.given is not None else "")


def _columns(params: Params, data: Data) -> dict[str, int]:
    """Return how many numbers each extractor makes of an image; of networks but efficientnet_lite0 as many as its."""
    of, side = params.features, _side(params, data)
    hog, colours = of.hog, of.colour_histogram

    def cells(options: schema.HogCells) -> int:
        n_cells = max(-(-(side + 2 * options.padding) // options.cell), 2)
        return int((n_cells - 1) ** 2 * 4 * options.bins)

    known = {
        "hog": ((hog.window - hog.block) // hog.stride + 1) ** 2 * (hog.block // hog.cell) ** 2 * hog.bins,
        "hog_fine": cells(of.hog_fine),
        "hog_coarse": cells(of.hog_coarse),
        "kmeans_patches": of.kmeans_patches.grid**2 * of.kmeans_patches.centres,
        "pixels": data.n_values,
        "colour_histogram": colours.hue * colours.saturation * colours.value * colours.grid**2,
    }
    return {name: known.get(name, WIDTH) for name in checks.extractors(of)}


def _side(params: Params, data: Data) -> int:
    """Return the side of an image in pixels."""
    n_channels = 3 if data.given is not None and params.dataset.colour else 1
    return round((data.n_values / n_channels) ** 0.5)


def _memory(params: Params, data: Data) -> dict[str, int]:
    """Return the bytes that the features, the graph and a round take at their most, besides mapped files.

    The features: the sample that components are fitted on, and portions. The graph: an index of the pool, and what is
    found. A round: class probabilities by each fit, before and after a step of smoothing.
    """
    columns = _columns(params, data).values()
    n_sample = min(data.n_pool, pca.SAMPLE) if params.features.components else 0
    exact = max((n**2 for n in columns if n <= pca.MOST_EXACT and n_sample), default=0)
    of_features = sum(n * 4 * (2 * n_sample + 2 * PORTION * CORES) for n in columns) + 24 * exact
    k, n_fits = params.graph.neighbours, params.training.folds + 1
    of_graph = data.n_pool * (4 * params.graph.components + LINK_BYTES * k if k else 0)
    of_round = data.n_pool * len(data.given or range(10)) * (3 * 4 * n_fits + SCORE_BYTES)
    return {"features": of_features + BASE, "graph": of_graph + BASE, "a round": of_round + BASE}


def _bytes(params: Params, data: Data) -> int:
    n, n_rounds = data.n_pool + data.n_test, params.self_label.iterations
    columns = (params.features.components or UNPROJECTED) * _extractors(params)
    # Half precision.
    columns += WIDTH // 2 * sum(name in schema.EMBEDDINGS for name in checks.extractors(params.features))
    # A round's machine labels stand in the folders of all rounds from it on, but once in the cache.
    a_round = ROUND_BYTES * n_rounds + n_rounds * (n_rounds + 1) // 2
    # A link and its weight, one way and the other, of which some half are the same.
    return n * (data.n_values + 4 * columns + 12 * params.graph.neighbours + a_round + FINAL_BYTES)


def _seconds(params: Params, data: Data) -> float:
    n, n_rounds = data.n_pool + data.n_test, params.self_label.iterations
    columns, of = _columns(params, data), params.features
    n_seen = sum(name not in schema.EMBEDDINGS for name in columns)
    extracted = EXTRACTED * n_seen * max(data.n_values / USUAL_PIXELS, 1)
    sides = {"efficientnet_lite0": of.efficientnet_lite0.size, "onnx": of.onnx.size, "keras": of.keras.size}
    extracted += sum(EMBEDDED * (side / SIZE) ** 2 for name, side in sides.items() if name in columns)
    if "kmeans_patches" in columns:
        n_positions = ((_side(params, data) - of.kmeans_patches.patch) / of.kmeans_patches.stride + 1) ** 2
        extracted += NEARNESS * n_positions * of.kmeans_patches.centres
    linked = LINKED if params.graph.neighbours else 0
    an_image = extracted + linked + n_rounds * SCORED + params.student.epochs * TAUGHT
    an_image += DECODED if data.given is not None else 0
    projected = sum(EXACT * n**3 if n <= pca.MOST_EXACT else APPROXIMATE * n for n in columns.values())
    projected *= bool(of.components) / CORES
    once = STAGES * STAGE + n_rounds * ROUND + projected + (FULLY_SUPERVISED if data.given is None else 0)
    return once + n * an_image


def _extractors(params: Params) -> int:
    return len(checks.extractors(params.features))


def _physical_memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        # A system that does not say.
        return float("inf")


def _round(value: float) -> int:
    """Return a number with one digit that counts, at least 1."""
    digits = len(str(int(value))) - 1
    unit: int = 10**digits
    return max(1, round(value / unit) * unit)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{_round(seconds / 2)} to {_round(seconds * 2)} seconds"
    if seconds < 3 * 3_600:
        return f"{_round(seconds / 120)} to {_round(seconds / 30)} minutes"
    return f"{_round(seconds / 7_200)} to {_round(seconds / 1_800)} hours"
