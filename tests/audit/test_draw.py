"""Which machine labels are audited."""

import numpy as np
from example_audit import HASHES, N, final, in_vain
from scipy.stats import kstest

from selflabel.audit import draw


def test_the_order_is_that_of_a_random_draw():
    places = np.array([np.argsort(draw.order(HASHES[:50], seed=seed)) for seed in range(400)])
    assert np.array_equal(np.sort(places[0]), np.arange(50))
    assert kstest((places[:, 0] + 0.5) / 50, "uniform").pvalue > 0.001
    # Neighbours in the pool are no neighbours in the order.
    assert abs(np.corrcoef(places[:, 0], places[:, 1])[0, 1]) < 0.2


def test_images_that_join_leave_the_others_in_their_order():
    before = draw.order(HASHES[:500], seed=3)
    after = draw.order([*HASHES[500:], *HASHES[:500]], seed=3)
    assert np.array_equal(after[after >= 500] - 500, before)


def test_images_with_the_same_content_have_places_of_their_own():
    places = np.argsort(draw.order(["a"] * 100, seed=0))
    assert np.array_equal(np.sort(places), np.arange(100))
    assert not np.array_equal(places, np.arange(100))


def test_a_larger_audit_goes_on_where_a_smaller_one_ended():
    rows = np.arange(0, N, 2)
    order = draw.order(HASHES, seed=0)
    small, large = (draw.draw(order, rows, size=size) for size in (10, 20))
    assert np.array_equal(large[:10], small)
    assert set(large) <= set(rows)
    assert len(draw.draw(order, rows, size=N)) == len(rows)


def test_who_was_asked_is_no_target_whatever_came_of_it():
    given = final(asked=in_vain(30, 31))
    assert np.array_equal(draw.targets(given.labels, given.asked.row), [*range(20, 30), *range(32, N)])
