"""The registry of data sets: its names are those of the functions, and what it says of a set is true."""

import numpy as np

from selflabel.data import built_in, registry, user_images


def test_every_data_set_has_a_function_that_loads_it_and_none_is_left_over():
    assert registry.BUILT_IN.keys() == built_in.LOADERS.keys()
    assert registry.OWN.keys() == user_images.READERS.keys()


def test_what_is_said_of_the_digits_is_so():
    digits, facts = built_in.load("digits", ""), registry.BUILT_IN["digits"]
    assert digits.pool.images.shape == (facts.n_pool, facts.side, facts.side)
    assert len(digits.test.images) == facts.n_test
    assert np.bincount(digits.pool.labels).min() == facts.smallest_class


def test_what_is_said_of_the_others_is_what_their_sums_are_of():
    for name, sums in (("fashion_mnist", built_in.FASHION_SUMS), ("mnist_sample", built_in.MNIST_SUMS)):
        facts = registry.BUILT_IN[name]
        assert sums["pool", "images"][0] == (facts.n_pool, facts.side, facts.side)
        assert sums["test", "images"][0] == (facts.n_test, facts.side, facts.side)
