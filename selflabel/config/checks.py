"""Rules between the parameters of params.yaml: what no single value can get wrong."""

from selflabel.labels import seeds
from selflabel.loop import query
from selflabel.loop.acceptance import Rule, scheduled_threshold
from selflabel.models import catalogue

# Height and width in pixels, and how many pool images the smallest class has; of a user's own data the first is
# dataset.image_size, and the second is not known before they are read.
IMAGE_SIZES = {"fashion_mnist": 28, "digits": 8, "mnist_sample": 28}
SMALLEST_CLASS = {"fashion_mnist": 6000, "digits": 141, "mnist_sample": 720}


def faults(sections: dict, *, n_round_rows: int | None) -> list[str]:
    """Return one sentence for each rule that is broken.

    ``sections``: the valid sections by name; a rule about one that is not there is left out. ``n_round_rows``: how
    many rounds the rounds table has, or None.
    """
    rules = (
        _hog_geometry, _hog_window, _hog_cells, _kmeans_patches, _seed_percentage, _threshold_range, _folds, _strategy,
        _graph, _classifier,
    )  # fmt: skip
    return [fault for rule in rules for fault in rule(sections)] + _round_rows(sections, n_round_rows)


def _hog_geometry(sections: dict) -> list[str]:
    if not _extracts(sections, "hog"):
        return []
    hog, found = sections["features"].hog, []
    if hog.block > hog.window:
        found.append(f"features.hog.block must be at most the window ({hog.window}), got {hog.block}")
    elif (hog.window - hog.block) % hog.stride:
        found.append(f"features.hog.stride must divide window − block ({hog.window} − {hog.block}), got {hog.stride}")
    if hog.block % hog.cell:
        found.append(f"features.hog.cell must divide the block ({hog.block}), got {hog.cell}")
    elif (hog.block // hog.cell) ** 2 * hog.bins < 4:
        # OpenCV normalises four values at a time, and ends the process where there are fewer.
        found.append(f"features.hog.bins must give a block at least 4 values (cells · bins), got {hog.bins}")
    if hog.win_sigma != -1 and hog.win_sigma < 0.5:
        # OpenCV takes 0 and less for −1; a hair above 0 leaves nothing but zeros.
        found.append(f"features.hog.win_sigma must be -1 or at least 0.5, got {hog.win_sigma:g}")
    # OpenCV shares the gradients of neighbouring blocks between cells of one grid.
    if hog.stride % hog.cell:
        found.append(f"features.hog.stride must be a multiple of the cell ({hog.cell}), got {hog.stride}")
    return found


def _hog_window(sections: dict) -> list[str]:
    if "dataset" not in sections or not _extracts(sections, "hog"):
        return []
    name, side, window = sections["dataset"].name, _side(sections), sections["features"].hog.window
    if window == side:
        return []
    return [
        f"features.hog.window must be {side}, the size of the images of {name}, got {window}; "
        "features.extractor=pixels takes any size"
    ]


def _side(sections: dict) -> int:
    dataset = sections["dataset"]
    return IMAGE_SIZES.get(dataset.name, dataset.image_size)


def _extracts(sections: dict, name: str) -> bool:
    """Return whether an extractor is used."""
    extractor = sections["features"].extractor if "features" in sections else []
    return name in ([extractor] if isinstance(extractor, str) else extractor)


def _hog_cells(sections: dict) -> list[str]:
    # OpenCV normalises four values of a block at a time, which four cells always have.
    if "dataset" not in sections:
        return []
    side = _side(sections)
    used = [name for name in ("hog_fine", "hog_coarse") if _extracts(sections, name)]
    cells = {name: getattr(sections["features"], name).cell for name in used}
    return [
        f"features.{name}.cell must be at most {side}, the size of the images, got {cell}"
        for name, cell in cells.items()
        if cell > side
    ]


def _kmeans_patches(sections: dict) -> list[str]:
    if not _extracts(sections, "kmeans_patches") or "dataset" not in sections:
        return []
    own, side = sections["features"].kmeans_patches, _side(sections)
    if own.patch > side:
        return [f"features.kmeans_patches.patch must be at most {side}, the size of the images, got {own.patch}"]
    n_positions = (side - own.patch) // own.stride + 1
    if own.grid <= n_positions:
        return []
    return [
        f"features.kmeans_patches.grid must be at most {n_positions}, the positions of a patch of {own.patch} along a "
        f"side of {side} in steps of {own.stride}, got {own.grid}"
    ]


def _seed_percentage(sections: dict) -> list[str]:
    if not {"dataset", "seed_labels"} <= sections.keys() or sections["dataset"].name not in SMALLEST_CLASS:
        return []
    name, percentage = sections["dataset"].name, sections["seed_labels"].percentage
    size = SMALLEST_CLASS[name]
    if seeds.count(size, percentage):
        return []
    return [
        f"seed_labels.percentage must give at least one seed label to each class, got {percentage:g}, "
        f"which gives none to a class of {size} images of {name}"
    ]


def _threshold_range(sections: dict) -> list[str]:
    found = []
    for name in sections.keys() & {"self_label", "leak"}:
        values = sections[name]
        kind = getattr(values, "accept", "linear")
        if kind not in ("linear", "geometric"):
            continue
        key = "threshold_step" if kind == "linear" else "threshold_factor"
        change = getattr(values, key)
        rule = Rule(kind, values.threshold_start, **{key: change})
        # The last acceptance may be one round more of the same.
        n_rounds = values.iterations + (getattr(values, "final_threshold", 0) is None)
        last = scheduled_threshold(rule, max(n_rounds, 1))
        if not 0 <= last <= 1:
            found.append(
                f"{name}.{key} must keep the threshold of round {n_rounds} in [0, 1], "
                f"got {change:g}, which makes it {last:g}"
            )
    return found


def _folds(sections: dict) -> list[str]:
    if "self_label" not in sections:
        return []
    values = sections["self_label"]
    needing = {
        "accept=target_error": values.accept == "target_error",
        f"confidence={values.confidence}": values.confidence != "ovr_logistic",
        f"precision_margin={values.precision_margin:g}": values.precision_margin < 1,
    }
    wanted = " and ".join(f"self_label.{name}" for name, needs in needing.items() if needs)
    if values.folds < 2 and (wanted or values.folds == 1):
        return [f"self_label.folds must be from 2 to 20{wanted and f' with {wanted}'}, got {values.folds}"]
    if not {"dataset", "seed_labels"} <= sections.keys() or sections["dataset"].name not in SMALLEST_CLASS:
        return []
    n_given = seeds.count(SMALLEST_CLASS[sections["dataset"].name], sections["seed_labels"].percentage)
    if 0 < n_given < values.folds:
        return [
            f"self_label.folds must be at most {n_given}, the seed labels of the smallest class, got {values.folds}"
        ]
    return []


def _strategy(sections: dict) -> list[str]:
    if "ask" not in sections:
        return []
    strategy = sections["ask"].strategy
    parts = strategy.split("+")
    is_mix = len(set(parts)) == len(parts) and set(parts) <= set(query.STRATEGIES)
    if strategy == "none" or is_mix:
        return []
    names = ", ".join(query.NAMES)
    return [f"ask.strategy must be one of {names}, or different ones but none joined by +, got {strategy!r}"]


def _graph(sections: dict) -> list[str]:
    if not {"ask", "graph"} <= sections.keys() or sections["graph"].neighbours:
        return []
    needing = [name for name in query.OF_GRAPH if name in sections["ask"].strategy.split("+")]
    return [f"graph.neighbours must be at least 1 with ask.strategy={name}, got 0" for name in needing]


def _classifier(sections: dict) -> list[str]:
    if "classifier" not in sections:
        return []
    has_weights = "self_label" in sections and sections["self_label"].weights != "none"
    found = catalogue.fault(sections["classifier"].name, sections["classifier"].options, has_weights=has_weights)
    return [found] if found else []


def _round_rows(sections: dict, n_rows: int | None) -> list[str]:
    if n_rows is None or "self_label" not in sections or sections["self_label"].iterations <= n_rows:
        return []
    asked = sections["self_label"].iterations
    return [
        f"self_label.iterations must be at most {n_rows}, the rows of rounds/table.yaml, got {asked}; "
        f"`make rounds N={asked}` extends the table"
    ]
