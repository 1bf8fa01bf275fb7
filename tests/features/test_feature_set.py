"""What is held: as the stages wrote it, with the extractors' blocks and the graph."""

import numpy as np
import pytest

from selflabel import files
from selflabel.features import feature_set
from selflabel.features import neighbours as graph
from selflabel.features.feature_set import Block

POOL = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32) * [1, 1, 3, 1, 2] + 7


def write(folder, neighbours):
    files.write_array(folder / "f/pool.npy", POOL)
    files.write_array(folder / "f/test.npy", POOL[:4])
    files.write_json(folder / "f/blocks.json", [{"columns": 2, "variance": 1.5}, {"columns": 3, "variance": 4.0}])
    points = POOL.astype(np.float32)
    links = graph.build(points, points[:4], neighbours=neighbours) if neighbours else graph.NO_GRAPH
    links.write(folder / "g")
    return feature_set.read(folder / "f", folder / "g")


def test_all_that_was_written_is_read(tmp_path):
    found = write(tmp_path, 5)
    np.testing.assert_array_equal(found.pool, POOL)
    np.testing.assert_array_equal(found.test, POOL[:4])
    assert found.blocks == (Block(2, 1.5), Block(3, 4.0))
    assert found.graph.similarity.shape == (30, 30)
    # A test image that is in the pool is its own nearest neighbour.
    np.testing.assert_array_equal(found.graph.test_neighbours[:, 0], range(4))
    np.testing.assert_allclose(found.graph.test_weights.sum(axis=1), 1, rtol=1e-5)


def test_without_neighbours_there_is_no_graph(tmp_path):
    assert write(tmp_path, 0).graph is None


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_block_has_the_total_variance_of_its_columns(monkeypatch, chunk):
    monkeypatch.setattr(feature_set, "CHUNK", chunk)
    found = feature_set.blocks(POOL, [2, 3])
    assert [block.columns for block in found] == [2, 3]
    expected = [POOL[:, :2].var(axis=0).sum(), POOL[:, 2:].var(axis=0).sum()]
    np.testing.assert_allclose([block.variance for block in found], expected, rtol=1e-5)


@pytest.mark.parametrize("neighbours", [0, 5])
def test_an_embedding_is_a_block_more_as_loud_as_the_first_and_in_the_graph(tmp_path, neighbours):
    before = write(tmp_path, neighbours)
    embedding = np.random.default_rng(1).random((30, 6)).astype(np.float32)
    found = feature_set.with_embedding(before, embedding, embedding[:4])
    assert [block.columns for block in found.blocks] == [2, 3, 6] and found.blocks[2].variance == 1.5
    np.testing.assert_array_equal(found.pool[:, :5], before.pool)
    added = found.pool[:, 5:]
    assert added.var(axis=0).sum() == pytest.approx(1.5, rel=1e-4)
    np.testing.assert_allclose(added / added[0, 0], embedding / embedding[0, 0], rtol=1e-4)
    np.testing.assert_array_equal(found.test, found.pool[:4])
    if not neighbours:
        assert found.graph is None
        return
    together = np.hstack([POOL[:, :2], added]).astype(np.float32)
    expected = graph.similarity(*graph.nearest(together, neighbours=5)[0])
    np.testing.assert_allclose(found.graph.similarity.toarray(), expected.toarray(), atol=1e-6)
    np.testing.assert_array_equal(found.graph.test_neighbours[:, 0], range(4))


def test_an_embedding_joins_features_without_blocks():
    found = feature_set.with_embedding(feature_set.FeatureSet(POOL, POOL[:2]), POOL[:, :1], POOL[:2, :1])
    assert [block.columns for block in found.blocks] == [5, 1]
    assert found.blocks[0].variance == found.blocks[1].variance == pytest.approx(POOL.var(axis=0).sum(), rel=1e-4)
