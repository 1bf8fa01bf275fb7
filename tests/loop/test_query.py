"""Asking: what each strategy prefers, what a batch leaves out, and how strategies share it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist
from threadpoolctl import threadpool_info

from selflabel.loop import clustering, query
from selflabel.loop.query import QueryConfig, QueryContext

# Sure, torn between two, torn between three.
THREE = np.array([[0.90, 0.05, 0.05], [0.48, 0.48, 0.04], [0.40, 0.30, 0.30]])
SCORING = tuple(query.STRATEGIES)


def ask(strategy, **changes):
    return QueryConfig(strategy, per_round=5, budget=20, min_distance=0.0, lower_threshold=0.5, seed=0)._replace(
        **changes
    )


def choose(
    strategy,
    probabilities=THREE,
    features=None,
    *,
    scores=None,
    smoothed=None,
    rows=None,
    human_rows=(),
    n=3,
    round_number=1,
    **changes,
):
    if features is None:
        features = np.arange(len(probabilities), dtype=np.float32)[:, None]
    rows = np.arange(len(probabilities)) if rows is None else np.asarray(rows, np.int64)
    human_rows = np.asarray(human_rows, np.int64)
    config = ask(strategy, **changes)
    context = QueryContext(
        probabilities=probabilities,
        scores=probabilities if scores is None else scores,
        smoothed=probabilities if smoothed is None else smoothed,
        features=features,
        rows=rows,
        human_rows=human_rows,
        lower_threshold=config.lower_threshold,
        n=n,
        generator=np.random.default_rng([config.seed, round_number]),
    )
    return query.choose(config, context)


def random_pool(seed, n_rows, n_features=2):
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n_rows, n_features)).astype(np.float32)
    return generator.dirichlet(np.ones(3), size=n_rows), features


@pytest.mark.parametrize(
    ("n_asked", "n_open", "n"), [(0, 0, 5), (5, 0, 5), (5, 2, 3), (18, 0, 2), (18, 4, 1), (20, 0, 0), (25, 9, 0)]
)
def test_a_round_fills_the_desk_up_to_per_round_and_never_passes_the_budget(n_asked, n_open, n):
    assert query.n_questions(ask("margin"), n_asked=n_asked, n_open=n_open) == n


@pytest.mark.parametrize(
    ("strategy", "positions"),
    [
        ("none", []),
        ("lower_threshold", [2, 1]),
        ("least_confidence", [2, 1, 0]),
        ("margin", [1, 2, 0]),
        ("raw_margin", [1, 2, 0]),
        ("smoothed_margin", [1, 2, 0]),
        ("mixed_margin", [1, 2, 0]),
        ("entropy", [2, 1, 0]),
    ],
)
def test_a_strategy_prefers_of_three_images_the_one_everybody_would(strategy, positions):
    chosen, names = choose(strategy)
    assert chosen.tolist() == positions
    assert chosen.dtype == np.int64
    assert names.tolist() == [strategy] * len(positions)


def test_scores_are_the_numbers_one_can_work_out():
    np.testing.assert_allclose(query.least_confidence(THREE), [0.10, 0.52, 0.60])
    np.testing.assert_allclose(query.margin(THREE), [-0.85, 0, -0.10])
    two_sure, two_torn = query.entropy(np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert (two_sure, two_torn) == (0, pytest.approx(np.log(2)))


def test_torn_between_two_or_between_three_is_where_margin_and_entropy_differ():
    probabilities = np.array([[0.5, 0.5, 0.0], [0.4, 0.3, 0.3]])
    assert choose("margin", probabilities, n=1)[0].tolist() == [0]
    assert choose("entropy", probabilities, n=1)[0].tolist() == [1]


@pytest.mark.parametrize("strategy", ["least_confidence", "margin", "entropy", "lower_threshold"])
def test_of_equal_scores_the_first_comes_first(strategy):
    probabilities = np.array([[0.3, 0.1, 0.6], [0.1, 0.6, 0.3], [0.6, 0.3, 0.1]])
    assert choose(strategy, probabilities, lower_threshold=1.0)[0].tolist() == [0, 1, 2]


def test_scores_are_equal_where_they_are_as_decimal_numbers():
    assert 0.4 - 0.2 != 0.6 - 0.4
    assert query.best_first(query.margin(np.array([[0.4, 0.2], [0.6, 0.4], [0.3, 0.1]]))).tolist() == [0, 1, 2]


def test_a_candidate_exactly_at_the_lower_threshold_is_not_asked_about():
    assert choose("lower_threshold", lower_threshold=0.48)[0].tolist() == [2]
    assert choose("lower_threshold", lower_threshold=np.nextafter(0.48, 1))[0].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("score", "method"),
    [
        (query.least_confidence, "least_confident"),
        (query.margin, "margin_sampling"),
        (query.entropy, "entropy"),
    ],
)
def test_scores_rank_as_those_of_scikit_activeml_do(score, method):
    from skactiveml.pool import uncertainty_scores

    generator = np.random.default_rng(0)
    for n_classes in (2, 3, 10):
        probabilities = generator.dirichlet(np.ones(n_classes), size=500)
        reference = uncertainty_scores(probabilities, method=method)
        assert query.best_first(score(probabilities)).tolist() == np.argsort(-reference, kind="stable").tolist()


# Four blobs far apart, of 12, 10, 8 and 3 points; the last point of each is its centre, so its most typical one.
LAST = np.cumsum([12, 10, 8, 3]) - 1
CORNERS = [(0, 0), (100, 0), (0, 100), (100, 100)]


def ring(n_points):
    angles = np.arange(n_points) * 2 * np.pi / n_points
    return np.column_stack([np.cos(angles), np.sin(angles)])


BLOBS = np.vstack(
    [np.vstack([ring(size - 1), [[0, 0]]]) + at for size, at in zip([12, 10, 8, 3], CORNERS, strict=True)]
)
BLOBS = BLOBS.astype(np.float32)


def choose_of_blobs(strategy, n, human_rows=(), **options):
    """The rows chosen of all that have no person's label."""
    rows = np.setdiff1d(np.arange(len(BLOBS)), human_rows)
    probabilities = np.full((len(rows), 2), 0.5)
    return rows[choose(strategy, probabilities, BLOBS, rows=rows, human_rows=human_rows, n=n, **options)[0]]


def order_of_blobs(strategy, n, human_rows=()):
    """The blobs of all candidates in the strategy's order, when it clusters for ``n`` questions."""
    rows, generator = np.setdiff1d(np.arange(len(BLOBS)), human_rows), np.random.default_rng(0)
    if strategy == "typiclust":
        order = clustering.typiclust(BLOBS, rows, np.array(human_rows, np.int64), n=n, generator=generator)
    else:
        order = clustering.k_means(BLOBS, rows, n=n, generator=generator)
    assert sorted(order) == list(range(len(rows)))
    return np.searchsorted(LAST, rows[order]).tolist()


@pytest.mark.parametrize("strategy", ["typiclust", "k_means"])
def test_every_blob_gives_its_centre_and_the_largest_comes_first(strategy):
    assert choose_of_blobs(strategy, 4).tolist() == LAST.tolist()


@pytest.mark.parametrize("strategy", ["typiclust", "k_means"])
def test_a_blob_gives_its_second_best_when_every_blob_gave_its_best(strategy):
    assert order_of_blobs(strategy, 4)[:8] == [0, 1, 2, 3] * 2


def test_typiclust_asks_first_where_people_labelled_least():
    # Two labels in the first blob, one in the third.
    assert order_of_blobs("typiclust", 1, human_rows=[0, 1, 22])[:4] == [1, 3, 2, 0]


def test_there_are_no_more_clusters_than_typiclust_may_have(monkeypatch):
    monkeypatch.setattr(clustering, "MAX_CLUSTERS", 4)
    assert order_of_blobs("typiclust", 20, human_rows=[0, 1, 22])[:4] == [1, 3, 2, 0]


def test_typiclust_chooses_what_scikit_activeml_chooses():
    from skactiveml.pool import TypiClust

    labels = np.full(len(BLOBS), np.nan)
    labels[13] = 0
    reference = TypiClust(random_state=0, k=clustering.N_NEIGHBOURS).query(BLOBS, labels, batch_size=3)
    assert choose_of_blobs("typiclust", 3, human_rows=[13]).tolist() == reference.tolist()


@pytest.mark.parametrize("n_points", [2, 10, 21, 22, 60])
def test_typicality_is_one_over_the_mean_distance_to_the_nearest_20_others(n_points):
    points = random_pool(0, n_points)[1]
    nearest = np.sort(cdist(points, points), axis=1)[:, 1:21]
    np.testing.assert_allclose(clustering.typicality(points), 1 / nearest.mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("strategy", ["typiclust", "k_means"])
def test_of_many_candidates_a_sample_is_clustered(strategy, monkeypatch):
    monkeypatch.setattr(clustering, "SAMPLE", 8)
    assert len(choose_of_blobs(strategy, 30, human_rows=[0, 1])) == 8
    samples = {tuple(sorted(choose_of_blobs(strategy, 30, round_number=number))) for number in range(5)}
    assert len(samples) == 5


@pytest.mark.parametrize("strategy", ["typiclust", "k_means"])
def test_equal_images_are_clustered_without_a_warning(strategy):
    assert len(choose(strategy, features=np.ones((3, 2), np.float32))[0]) == 3


def test_clusters_are_computed_in_one_thread(monkeypatch):
    seen, cluster = [], clustering._cluster

    def spy(*arguments):
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return cluster(*arguments)

    monkeypatch.setattr(clustering, "_cluster", spy)
    choose_of_blobs("typiclust+k_means", 4)
    assert set(seen) == {1}


mixes = st.lists(st.sampled_from(SCORING), min_size=1, max_size=3).map("+".join)


@given(mixes, st.integers(0, 14), st.integers(0, 16), st.sampled_from([0.0, 0.1, 0.8]), st.integers(0, 99))
def test_what_is_chosen_is_distinct_of_the_candidates_at_most_n_and_always_the_same(strategy, n_rows, n, apart, seed):
    probabilities, features = random_pool(seed, 20)
    rows = np.random.default_rng(seed).permutation(20)[: n_rows + 3]
    rows, human_rows = rows[3:], rows[:3]
    options = {"rows": rows, "human_rows": human_rows, "min_distance": apart, "lower_threshold": 0.6, "seed": seed}
    chosen, names = choose(strategy, probabilities[rows], features, n=n, **options)
    assert len(set(chosen.tolist())) == len(chosen) == len(names) <= min(n, n_rows)
    assert set(chosen.tolist()) <= set(range(n_rows))
    assert set(names.tolist()) <= set(strategy.split("+"))
    assert np.all(probabilities[rows[chosen[names == "lower_threshold"]]].max(axis=1) < 0.6)
    again = choose(strategy, probabilities[rows], features, n=n, **options)
    assert (again[0].tolist(), again[1].tolist()) == (chosen.tolist(), names.tolist())
    if apart == 0 and set(strategy.split("+")) != {"lower_threshold"}:
        assert len(chosen) == min(n, n_rows)


@given(st.sampled_from([name for name in SCORING if name not in ("typiclust", "k_means")]), st.integers(0, 99))
def test_fewer_questions_are_the_first_of_many_where_nothing_is_clustered(strategy, seed):
    probabilities, features = random_pool(seed, 20)
    many, few = (choose(strategy, probabilities, features, n=n, seed=seed)[0].tolist() for n in (8, 3))
    assert few == many[:3]


@given(st.sampled_from(SCORING), st.sampled_from([0.05, 0.5, 1.0]), st.integers(0, 99))
def test_nobody_is_asked_about_two_near_duplicates_and_nothing_else_is_left_out(strategy, min_distance, seed):
    probabilities, features = random_pool(seed, 30)
    options = {"min_distance": min_distance, "lower_threshold": 1.0, "seed": seed}
    chosen = features[choose(strategy, probabilities, features, n=30, **options)[0]]
    limit = min_distance * np.sqrt(np.mean(cdist(features, features) ** 2))
    assert np.all(pdist(chosen) >= limit)
    assert np.all(cdist(features, chosen).min(axis=1) < limit)


def test_the_better_one_of_two_near_duplicates_is_asked_about():
    features = np.float32([[0], [5], [5.1]])
    assert choose("least_confidence", features=features, min_distance=0.1)[0].tolist() == [2, 0]
    assert choose("least_confidence", features=features, min_distance=0.0)[0].tolist() == [2, 1, 0]


@pytest.mark.parametrize("strategy", SCORING)
@pytest.mark.parametrize("features", [np.float32([[1], [1], [1]]), np.float32([[1], [7], [1]])])
def test_equal_images_are_asked_about_once_at_any_min_distance(strategy, features):
    chosen = choose(strategy, features=features, min_distance=1e-300, lower_threshold=1.0)[0]
    assert len(chosen) == len(np.unique(features))
    assert len(choose(strategy, features=features, lower_threshold=1.0)[0]) == 3


@pytest.mark.parametrize("strategy", ["margin+random", "random+k_means+entropy", "typiclust+lower_threshold"])
@pytest.mark.parametrize("n", [6, 7])
def test_the_strategies_of_a_mix_take_turns(strategy, n):
    probabilities, features = random_pool(0, 40)
    names = strategy.split("+")
    assert choose(strategy, probabilities, features, n=n)[1].tolist() == (names * n)[:n]


def test_a_strategy_of_a_mix_goes_on_where_another_chose_before_it():
    chosen, names = choose("least_confidence+margin")
    assert list(zip(chosen.tolist(), names.tolist(), strict=True)) == [
        (2, "least_confidence"),
        (1, "margin"),
        (0, "least_confidence"),
    ]


def test_a_strategy_that_has_no_more_leaves_its_turns_to_the_others():
    names = choose("lower_threshold+margin", lower_threshold=0.45)[1]
    assert names.tolist() == ["lower_threshold", "margin", "margin"]


def test_of_a_mix_each_strategy_clusters_for_its_share_of_the_questions():
    # Four clusters each, the blobs, though eight images are asked for.
    chosen = choose_of_blobs("k_means+k_means", 8)
    assert np.searchsorted(LAST, chosen).tolist() == [0, 1, 2, 3] * 2


@pytest.mark.parametrize("strategy", query.STRATEGIES)
@pytest.mark.parametrize(("n_rows", "n"), [(0, 5), (3, 0), (3, -1), (0, 0)])
def test_nothing_is_chosen_of_nothing_or_where_nothing_may_be_asked(strategy, n_rows, n):
    features = np.zeros((3, 2), np.float32)
    chosen, names = choose(strategy, THREE[:n_rows], features, n=n, min_distance=0.1)
    assert (chosen.tolist(), names.tolist()) == ([], [])
    assert (chosen.dtype, names.dtype.kind) == (np.int64, "U")


@pytest.mark.parametrize("strategy", SCORING)
def test_a_single_candidate_is_asked_about(strategy):
    assert choose(strategy, THREE[:1], n=5, lower_threshold=1.0, min_distance=1.0)[0].tolist() == [0]


def test_the_random_draw_depends_on_the_seed_and_on_the_round():
    probabilities = random_pool(0, 30)[0]
    draws = {
        tuple(choose("random", probabilities, n=30, seed=seed, round_number=number)[0].tolist())
        for seed in (0, 1)
        for number in (1, 2)
    }
    assert len(draws) == 4


def test_features_may_be_a_read_only_memory_map(tmp_path):
    np.save(tmp_path / "pool.npy", BLOBS)
    features = np.load(tmp_path / "pool.npy", mmap_mode="r")
    strategy, probabilities = "typiclust+k_means+random", np.full((len(BLOBS), 2), 0.5)
    mapped, loaded = (choose(strategy, probabilities, held, n=9, min_distance=0.01) for held in (features, BLOBS))
    np.testing.assert_array_equal(mapped, loaded)


def test_asking_leaves_the_global_random_numbers_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    choose_of_blobs("typiclust+k_means+random", 6)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_each_margin_reads_its_own_view():
    sure_of_all = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    views = {"scores": sure_of_all[[2, 0, 1]], "smoothed": sure_of_all[[1, 2, 0]]}
    chosen = {name: choose(name, sure_of_all, n=1, **views)[0][0] for name in SCORING if "margin" in name}
    # The mix adds 0.4 + 0.6, 0.8 + 0.4 and 0.6 + 0.8, all over the same deviation.
    assert chosen == {"margin": 2, "raw_margin": 0, "smoothed_margin": 1, "mixed_margin": 0}


def test_the_mix_does_not_depend_on_the_units_of_either_view():
    first, second = np.random.default_rng(0).normal(size=(2, 50, 4))
    order = query.best_first(query.mixed_margin(first, second)).tolist()
    assert query.best_first(query.mixed_margin(1000 * first, second / 7)).tolist() == order
    alone = query.best_first(query.margin(first)).tolist()
    assert query.best_first(query.mixed_margin(first, np.ones((50, 4)))).tolist() == alone
