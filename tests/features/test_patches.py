"""Features learnt from patches: what the centres are, what an image's nearness to them is."""

import numpy as np
import pytest

from selflabel.features import patches

GENERATOR = np.random.default_rng(0)
POOL = GENERATOR.integers(0, 256, (40, 12, 10), np.uint8)
OPTIONS = {"patch": 4, "stride": 2, "centres": 8, "grid": 2, "seed": 0}


def learn(pool=POOL, **changes):
    return patches.learn(pool, **OPTIONS | changes)


def slowly(codebook, image):
    """The same, patch by patch, as the paper says it."""
    side = codebook.patch
    down, across = (range(0, length - side + 1, codebook.stride) for length in image.shape[:2])
    edges = [np.linspace(0, len(places), codebook.grid + 1).round().astype(int) for places in (down, across)]
    parts = np.zeros((codebook.grid, codebook.grid, len(codebook.centres)))
    for i, top in enumerate(down):
        for j, left in enumerate(across):
            patch = image[top : top + side, left : left + side]
            # Of a coloured one channel after channel.
            patch = np.moveaxis(patch, 2, 0) if image.ndim == 3 else patch
            patch = patch.ravel().astype(float)
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + 10)
            point = (patch - codebook.mean) @ codebook.whiten
            distances = np.linalg.norm(point - codebook.centres, axis=1)
            place = [np.searchsorted(edge, at, side="right") - 1 for edge, at in zip(edges, (i, j), strict=True)]
            parts[tuple(place)] += np.maximum(distances.mean() - distances, 0)
    return np.sqrt(parts).ravel()


@pytest.mark.parametrize("changes", [{}, {"stride": 1, "grid": 3}, {"patch": 5, "stride": 3, "grid": 1}])
def test_the_features_are_those_of_the_paper_patch_by_patch(changes):
    codebook = learn(**changes)
    found = patches.encode(codebook, POOL[:3])
    np.testing.assert_allclose(found, [slowly(codebook, image) for image in POOL[:3]], rtol=1e-3, atol=1e-3)
    assert found.dtype == np.float32
    assert found.shape == (3, codebook.grid**2 * len(codebook.centres))


def test_whitened_patches_have_almost_unit_variance_along_every_axis_but_that_of_the_mean():
    codebook = learn(GENERATOR.integers(0, 256, (500, 12, 12), np.uint8))
    sample = patches._normalised(patches._sample(POOL, 4, np.random.default_rng(1)))
    values = np.linalg.eigvalsh(np.cov(((sample - codebook.mean) @ codebook.whiten).T))
    # The mean of each patch was taken away: one axis is empty.
    assert values[0] < 1e-3 and np.all((values[1:] > 0.5) & (values[1:] < 1.3))


def test_the_centres_are_drawn_by_the_seed_and_nothing_else():
    one, again, other = (learn(seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.centres, again.centres)
    assert not np.array_equal(one.centres, other.centres)


def test_an_image_has_the_same_features_alone_and_among_others(monkeypatch):
    codebook = learn()
    whole = patches.encode(codebook, POOL)
    monkeypatch.setattr(patches, "CHUNK", 3)
    np.testing.assert_allclose(patches.encode(codebook, POOL), whole, rtol=1e-4, atol=1e-4)


def test_of_large_images_few_are_encoded_at_once(monkeypatch):
    codebook, seen, encode = learn(), [], patches._encode

    def noting(codebook, images):
        seen.append(len(images))
        return encode(codebook, images)

    monkeypatch.setattr(patches, "_encode", noting)
    whole = patches.encode(codebook, POOL)
    # Five by four patches an image.
    monkeypatch.setattr(patches, "LARGEST", 3 * 20 * len(codebook.centres))
    np.testing.assert_allclose(patches.encode(codebook, POOL), whole, rtol=1e-4, atol=1e-4)
    assert seen[0] == len(POOL) and set(seen[1:-1]) == {3}


def test_empty_images_have_finite_features():
    assert np.isfinite(patches.encode(learn(), np.zeros((2, 12, 10), np.uint8))).all()
    assert np.isfinite(patches.encode(learn(np.zeros((40, 12, 10), np.uint8)), POOL)).all()


def test_more_centres_than_patches_are_refused():
    with pytest.raises(ValueError) as error:
        learn(POOL[:2], centres=30)
    assert str(error.value) == "features.kmeans_patches.centres must be at most the 20 patches there are, got 30"


def test_coloured_patches_have_all_three_channels():
    pool = np.random.default_rng(1).integers(0, 256, (40, 12, 10, 3), np.uint8)
    codebook = learn(pool)
    assert codebook.centres.shape == (8, 3 * 16)
    found = patches.encode(codebook, pool[:3])
    np.testing.assert_allclose(found, [slowly(codebook, image) for image in pool[:3]], rtol=1e-3, atol=1e-3)
