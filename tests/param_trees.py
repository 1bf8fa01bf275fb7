"""Trees of parameters for the tests: with another kind of a section where a key belongs to that."""

import copy

# A valid block of each kind of the sections that have kinds.
KINDS = {
    "accept": {
        "fixed": {"threshold_start": 0.75},
        "linear": {"threshold_start": 0.75, "threshold_step": -0.05},
        "geometric": {"threshold_start": 0.75, "threshold_factor": 0.9},
        "flexmatch": {"threshold_start": 0.75},
        "target_error": {"target_error": 0.05, "target_alpha": 0.05},
        "percentile": {"percent": 10.0},
        "k_best": {"k": 1000},
        "class_k_best": {"k": 1000},
    },
    "classifier": {
        "kernel_ridge": {"C": 1.0, "gamma": 1.0},
        "linear_svm": {"C": 1.0},
        "logistic_regression": {"C": 1.0},
        "kernel_svm": {"C": 1.0, "gamma": 1.0},
        "knn": {"neighbours": 10},
        "label_spreading": {"neighbours": 10},
        "random_forest": {"trees": 300},
        "hist_gradient_boosting": {"trees": 300},
        "sklearn.naive_bayes.GaussianNB": {"options": {}},
    },
}
CHOOSERS = {"accept": "rule", "classifier": "name"}
# Keys that are there with a word of another one alone.
WITH = {
    ("ask", "lower_threshold"): ("strategy", "lower_threshold"),
    ("stopping", "stable_kappa"): ("stop", ["stable_predictions"]),
}


def block(section, kind):
    """Return a valid section of a kind."""
    seed = {"seed": 0} if section == "classifier" else {}
    return {CHOOSERS[section]: kind} | KINDS[section][kind] | seed


def changed(tree, *changes):
    """Return a tree with other values, each at a path of keys; a section gets the kind that has such a key."""
    tree = copy.deepcopy(tree)
    for path, value in changes:
        path = path.split(".") if isinstance(path, str) else list(path)
        if len(path) == 2:
            _take_kind(tree, *path, value)
        inner = tree
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
    return tree


def _take_kind(tree, section, key, value):
    if section in KINDS:
        if key == CHOOSERS[section] and isinstance(value, str) and value in KINDS[section]:
            old = tree[section]
            new = block(section, value)
            tree[section] = new | {name: old[name] for name in new if name in old}
        elif key not in tree[section]:
            kinds = [kind for kind, values in KINDS[section].items() if key in values]
            tree[section] = block(section, kinds[0]) if kinds else tree[section]
    elif (section, key) in WITH:
        other, word = WITH[section, key]
        tree[section][other] = word
