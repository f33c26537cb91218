"""Tiles: the specification's paths and widths, and a tree read from tiles equals the tree in memory."""

import pytest

from whosaw.prove.merkle import LeafTree, inclusion_proof, leaf_hash, tree_root
from whosaw.record.errors import TrailDamaged
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.record.tiles import WIDTH, TileEdge, tile_path, tiles_of

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        ((0, 0, 256), "tile/0/000"),
        ((0, 1000, 256), "tile/0/x001/000"),
        ((2, 1_234_067, 256), "tile/2/x001/x234/067"),
        ((0, 273, 112), "tile/0/273.p/112"),
        ((0, 1_234_067, 8), "tile/0/x001/x234/067.p/8"),
    ],
)
def test_paths_are_the_specification_s(tile, path):
    assert tile_path(*tile) == path


@pytest.mark.parametrize("tile", [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_what_is_no_tile_has_no_path(tile):
    with pytest.raises(ValueError, match="no tile"):
        tile_path(*tile)


def test_the_tiles_of_a_size_are_the_specification_s():
    # Source: c2sp.org/tlog-tiles, the example of a tree of 70,000
    tiles = list(tiles_of(70_000))
    assert [sum(1 for level, _, width in tiles if level == at and width == WIDTH) for at in range(3)] == [273, 1, 0]
    assert [width for _, _, width in tiles if width < WIDTH] == [112, 17, 1]
    assert list(tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(tiles_of(0)) == []


@pytest.mark.parametrize("size", [1, 255, 256, 257, 3_000, 65_536, 70_000])
def test_a_tree_read_from_tiles_is_the_tree(tmp_path, size):
    edge, shelf = TileEdge(), Shelf(tmp_path)
    for start in range(0, size, 777):
        shelf.put_tiles(edge.extend(LEAVES[start : min(start + 777, size)]))
    shelf.put_tiles(edge.partials())
    held = {(tile.level, tile.number) for tile in edge.partials()}
    assert held == {(level, number) for level, number, width in tiles_of(size) if width < WIDTH}
    nodes, tree = TileNodes(shelf, size), LeafTree(LEAVES[:size])
    assert tree_root(size, nodes) == tree.root()
    for index in {0, size // 2, size - 1}:
        assert inclusion_proof(index, size, nodes) == inclusion_proof(index, size, tree)


def test_a_partial_tile_goes_when_the_full_one_is_there_and_is_still_read_from_it(tmp_path):
    edge, shelf = TileEdge(), Shelf(tmp_path)
    edge.extend(LEAVES[:100])
    shelf.put_tiles(edge.partials())
    assert (tmp_path / "tile/0/000.p/100").exists()
    shelf.put_tiles(edge.extend(LEAVES[100:256]))
    assert not (tmp_path / "tile/0/000.p").exists()
    assert shelf.tile(0, 0, 100) == b"".join(LEAVES[:100])


def test_a_missing_or_short_tile_is_damage(tmp_path):
    shelf = Shelf(tmp_path)
    with pytest.raises(TrailDamaged):
        shelf.tile(0, 0, 3)
    (tmp_path / "tile/0/000.p").mkdir(parents=True)
    (tmp_path / "tile/0/000.p/3").write_bytes(b"x" * 95)
    with pytest.raises(TrailDamaged):
        shelf.tile(0, 0, 3)
