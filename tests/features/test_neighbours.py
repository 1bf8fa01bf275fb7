"""The graph: who is whose neighbour, how near, and what smoothing along it gives."""

import faiss
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_info

from selflabel.features import neighbours as graph
from selflabel.features import pca
from selflabel.features.neighbours import Graph
from selflabel.models import smoothing
from selflabel.models.smoothing import SmoothingConfig

POINTS = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
SMOOTHING = SmoothingConfig(alpha=0.8, steps=30, temperature=1.0)


def of(points, k):
    return graph.similarity(*graph.nearest(points, neighbours=k)[0])


def exact(pool, points, k, *, of_itself):
    squares = cdist(points, pool, "sqeuclidean")
    if of_itself:
        np.fill_diagonal(squares, np.inf)
    order = np.argsort(squares, axis=1)[:, :k]
    return order, np.take_along_axis(squares, order, axis=1)


@pytest.mark.parametrize("of_itself", [True, False])
def test_the_neighbours_are_the_nearest_of_the_pool_and_never_the_row_itself(of_itself):
    others = POINTS if of_itself else POINTS[:7] + 0.3
    rows, distances = graph.nearest(POINTS, others, neighbours=5)[0 if of_itself else 1]
    expected_rows, expected = exact(POINTS, others, 5, of_itself=of_itself)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_allclose(distances, expected, rtol=1e-5)
    assert rows.dtype == np.int32 and distances.dtype == np.float32


def test_there_are_no_more_neighbours_than_others():
    (own, _), (others, _) = graph.nearest(POINTS[:4], POINTS, neighbours=10)
    assert own.shape == (4, 3) and others.shape == (60, 4)
    assert graph.nearest(POINTS[:1], neighbours=10)[0][0].shape == (1, 0)


def test_a_row_with_more_twins_than_neighbours_has_neighbours_all_the_same():
    ((rows, distances),) = graph.nearest(np.zeros((20, 3), np.float32), neighbours=4)
    assert rows.shape == (20, 4) and np.all(distances == 0)
    assert not np.any(rows == np.arange(20)[:, None])
    similar = graph.similarity(rows, distances)
    assert np.isfinite(similar.toarray()).all()


def test_in_a_large_pool_almost_all_of_the_nearest_are_found():
    pool = np.random.default_rng(1).normal(size=(8_000, 6)).astype(np.float32)
    ((rows, _),) = graph.nearest(pool, neighbours=10)
    expected = [exact(pool, pool[[i]], 11, of_itself=False)[0][0, 1:] for i in range(0, 8_000, 80)]
    recall = np.mean([np.isin(found, rows[i * 80]).mean() for i, found in enumerate(expected)])
    assert recall > 0.97
    assert rows.min() >= 0


def test_the_cells_and_what_they_are_learnt_from_grow_with_the_pool_up_to_a_bound(monkeypatch):
    """Then time does not grow with the square of the pool."""
    seen = []

    class Index(faiss.IndexIVFFlat):
        def train(self, rows):
            seen.append((self.nlist, len(rows)))
            super().train(rows)

    monkeypatch.setattr(faiss, "IndexIVFFlat", Index)
    pool = np.random.default_rng(0).normal(size=(12_000, 2)).astype(np.float32)
    monkeypatch.setattr(graph, "MAX_CELLS", 20)
    for n in (200, 4_000, 12_000):
        graph.nearest(pool[:n], neighbours=2)
    assert [n_cells for n_cells, _ in seen] == [1, 16, 20]
    assert all(n_rows <= 2 * graph.TRAINED_ON * n_cells for n_cells, n_rows in seen)


def test_a_graph_survives_its_folder_with_each_link_where_it_was(tmp_path):
    links = graph.build(POINTS, POINTS[:7] + 0.3, neighbours=5)
    links.write(tmp_path)
    found = Graph.read(tmp_path)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(found.similarity, name), getattr(links.similarity, name), strict=True)
    assert found.similarity.indices.dtype == np.int32 and found.similarity.shape == (60, 60)
    np.testing.assert_array_equal(found.test_neighbours, links.test_neighbours)
    np.testing.assert_array_equal(found.test_weights, links.test_weights)


def test_portions_of_principal_components_leave_no_trace(monkeypatch):
    """They hold a multiple of the rows that the kernel of a product takes at once."""
    pool = np.random.default_rng(4).normal(size=(1_003, 40)).astype(np.float32)
    whole, portions = np.empty((2, 1_003, 9), np.float32)
    fitted = pca.fit(pool, 9)
    graph.project(fitted, pool, whole)
    assert graph.PORTION % 24 == 0
    monkeypatch.setattr(graph, "PORTION", 48)
    graph.project(fitted, pool, portions)
    np.testing.assert_array_equal(whole, portions)


def test_equally_near_ones_come_in_the_order_of_their_rows():
    ((rows, distances),) = graph.nearest(np.float32([[0], [1], [-1], [1], [5]]), neighbours=3)
    assert rows[0].tolist() == [1, 2, 3] and distances[0].tolist() == [1, 1, 1]


def test_where_the_cells_searched_hold_too_few_all_are_searched():
    """Half of the pool is one point, so that its cells are large and the others' small."""
    generator = np.random.default_rng(2)
    pool = np.concatenate([np.zeros((5_000, 2)), 10 + generator.normal(size=(50, 2))]).astype(np.float32)
    ((rows, distances),) = graph.nearest(pool, neighbours=1_000)
    assert rows.shape == (5_050, 1_000) and rows.min() >= 0 and np.all(np.diff(distances, axis=1) >= 0)


@pytest.mark.parametrize(("portion", "cores"), [(24, 1), (24, 3), (7, 2)])
def test_the_graph_does_not_depend_on_portions_and_threads(monkeypatch, portion, cores):
    pool = np.random.default_rng(3).normal(size=(1_000, 4)).astype(np.float32)
    expected = graph.build(pool, POINTS[:, [0, 1, 2, 0]], neighbours=5)
    monkeypatch.setattr(graph, "PORTION", portion)
    monkeypatch.setattr(graph.portions.os, "cpu_count", lambda: cores)
    before = [library["num_threads"] for library in threadpool_info()]
    found = graph.build(pool, POINTS[:, [0, 1, 2, 0]], neighbours=5)
    np.testing.assert_array_equal(found.similarity.toarray(), expected.similarity.toarray())
    np.testing.assert_array_equal(found.test_neighbours, expected.test_neighbours)
    np.testing.assert_array_equal(found.test_weights, expected.test_weights)
    assert [library["num_threads"] for library in threadpool_info()][: len(before)] == before


def test_the_weight_falls_from_one_to_a_fiftieth_at_the_farthest_neighbour():
    neighbours, distances = np.array([[1, 2], [0, 2], [1, 0]]), np.array([[1.0, 4], [1, 1], [1, 4]])
    similar = graph.similarity(neighbours, distances).toarray()
    np.testing.assert_array_equal(similar, similar.T)
    # 0–1: exp(−1) and exp(−4), of which the larger; 0–2 and 1–2 are both ways exp(−4), exp(−4) and exp(−1).
    weight = np.array([[0, np.exp(-1), np.exp(-4)], [np.exp(-1), 0, np.exp(-1)], [np.exp(-4), np.exp(-1), 0]])
    scale = 1 / np.sqrt(weight.sum(axis=1))
    np.testing.assert_allclose(similar, scale[:, None] * weight * scale, rtol=1e-6)
    np.testing.assert_allclose(graph.weights(distances).sum(axis=1), 1, rtol=1e-6)
    first = graph.weights(distances)[0]
    assert first[0] / first[1] == pytest.approx(np.exp(3), rel=1e-5)


def test_smoothing_is_what_the_closed_form_gives_after_enough_steps():
    """F = (1 − α)(I − α S)⁻¹ P (Zhou et al., NIPS 2003), rows made to sum to one."""
    shares = np.random.default_rng(0).dirichlet(np.ones(3), size=60)
    similar = of(POINTS, 5)
    found = smoothing.smooth(shares, Graph(similar, None, None), SMOOTHING._replace(steps=500))
    expected = np.linalg.solve(np.eye(60) - 0.8 * similar.toarray(), 0.2 * shares)
    np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), rtol=1e-4)


@pytest.mark.parametrize(("portion", "cores"), [(20_000, 2), (7, 3), (60, 1)])
def test_fits_smoothed_together_and_in_portions_are_each_alone_byte_for_byte(monkeypatch, portion, cores):
    shares = np.random.default_rng(0).dirichlet(np.ones(3), size=(60, 4)).astype(np.float32)
    links, before = Graph(of(POINTS, 5), None, None), shares.copy()
    alone = [smoothing.smooth(shares[:, number], links, SMOOTHING) for number in range(4)]
    monkeypatch.setattr(smoothing, "PORTION", portion)
    monkeypatch.setattr(smoothing.os, "cpu_count", lambda: cores)
    np.testing.assert_array_equal(smoothing.smooth(shares, links, SMOOTHING), np.stack(alone, axis=1))
    np.testing.assert_array_equal(shares, before)


@pytest.mark.parametrize("steps", [0, 1, 2, 15])
@pytest.mark.parametrize("overwrite", [False, True])
def test_rows_in_another_order_are_smoothed_byte_for_byte_the_same(monkeypatch, steps, overwrite):
    shares = np.random.default_rng(0).dirichlet(np.ones(3), size=(60, 4)).astype(np.float32)
    links, before, options = Graph(of(POINTS, 5), None, None), shares.copy(), SMOOTHING._replace(steps=steps)
    expected = smoothing.smooth(shares, links, options)
    monkeypatch.setattr(smoothing, "CACHE", 0)
    assert not np.array_equal(smoothing._near_together(links.similarity), np.arange(60))
    found = smoothing.smooth(shares, links, options, overwrite=overwrite)
    assert found.tobytes() == expected.tobytes()
    if not overwrite:
        np.testing.assert_array_equal(shares, before)


@pytest.mark.parametrize("changes", [{"steps": 0}, {"alpha": 0.0}])
def test_without_steps_or_neighbours_share_everything_stays(changes):
    shares = np.random.default_rng(0).dirichlet(np.ones(3), size=60)
    found = smoothing.smooth(shares, Graph(of(POINTS, 5), None, None), SMOOTHING._replace(**changes))
    np.testing.assert_allclose(found, shares, rtol=1e-5)


def test_a_known_row_carries_its_neighbours_along():
    line = np.arange(10, dtype=np.float32)[:, None]
    shares = np.full((10, 2), 0.5)
    shares[[0, 9]] = np.eye(2)
    found = smoothing.smooth(shares, Graph(of(line, 2), None, None), SMOOTHING)
    assert np.all(found[:5, 0] > 0.5) and np.all(found[5:, 1] > 0.5)
    assert np.all(np.diff(found[:, 0]) < 0)


def test_an_image_outside_the_pool_gets_its_neighbours_and_a_fifth_of_its_own():
    pool, own = np.array([[1.0, 0], [0, 1], [0, 1]]), np.array([[0.3, 0.7]])
    links = Graph(None, np.array([[0, 2]]), np.array([[0.75, 0.25]]))
    np.testing.assert_allclose(
        smoothing.smooth_new(own, pool, links, SMOOTHING), [[0.8 * 0.75 + 0.2 * 0.3, 0.34]], rtol=1e-6
    )


def test_a_mixture_goes_from_one_to_the_other_and_is_a_distribution():
    own, smoothed = np.random.default_rng(0).dirichlet(np.ones(4), size=(2, 50))
    assert smoothing.mixed(own, smoothed, 1) is smoothed
    np.testing.assert_allclose(smoothing.mixed(own, smoothed, 0), own, rtol=1e-5)
    half = smoothing.mixed(own, smoothed, 0.5)
    np.testing.assert_allclose(half.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(half, np.sqrt(own * smoothed) / np.sqrt(own * smoothed).sum(axis=1)[:, None], rtol=1e-5)


def test_a_share_is_chosen_by_two_standard_errors_and_not_by_chance():
    """Of 400 labels the neighbours have 300 right; who is right of the others decides."""
    labels = np.zeros(400, int)

    def claims(is_right):
        return np.where(is_right[:, None], [[0.9, 0.1]], [[0.1, 0.9]])

    smoothed = np.arange(400) < 300
    for n_more, chosen in ((0, 1.0), (3, 1.0), (40, 0.0)):
        own = np.arange(400) < 300 + n_more
        assert smoothing.chosen_share(claims(own), claims(smoothed), labels) == chosen, n_more
    # A classifier that is right where its neighbours are not, and wrong where they are right.
    assert smoothing.chosen_share(claims(~smoothed) ** 0.5, claims(smoothed), labels) == 1.0


def test_neighbours_that_are_no_worse_are_seldom_left_by_chance():
    """Both are right by chance alone, 1,000 times over: a look at one other share errs in 2.3 %, there are four."""
    generator, left = np.random.default_rng(0), 0
    for _ in range(1_000):
        own, smoothed = generator.dirichlet(np.ones(3), size=(2, 100))
        left += smoothing.chosen_share(own, smoothed, generator.integers(0, 3, 100)) != 1
    assert left <= 4 * 23


def test_principal_components_are_those_of_the_pool():
    pool = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32) * [10, 1, 0.1, 3] + 5
    of_pool, of_test = np.empty((50, 2), np.float32), np.empty((3, 2), np.float32)
    fitted = pca.fit(pool.astype(np.float32), 2)
    graph.project(fitted, pool, of_pool)
    graph.project(fitted, pool[:3], of_test)
    np.testing.assert_allclose(of_pool[:3], of_test, rtol=1e-4)
    spread = of_pool.std(axis=0)
    assert spread[0] == pytest.approx(pool[:, 0].std(), rel=0.05) and spread[1] == pytest.approx(
        pool[:, 3].std(), rel=0.1
    )
    assert np.abs(of_pool.mean(axis=0)).max() < 1e-4
