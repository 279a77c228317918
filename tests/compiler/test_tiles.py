"""The work of a layer in whole tiles, as XNNPACK does it."""

from __future__ import annotations

import pytest

from edgeprune.compiler.tiles import tiled_macs
from edgeprune.ops import Conv2d, Dense, DepthwiseConv2d
from edgeprune.ops.examples import example_graph


@pytest.mark.parametrize(("read", "made", "tiles"), [(8, 8, 1), (9, 8, 2), (9, 9, 4), (1, 1, 1)])
def test_channels_that_a_layer_reads_and_makes_fill_whole_tiles(
    read: int, made: int, tiles: int
) -> None:
    dense = example_graph((Dense(), ((read,),), ((made, read), (made,))))
    assert tiled_macs(dense) == 64 * tiles
    conv = example_graph((Conv2d(), ((4, 4, read),), ((made, 3, 3, read), (made,))))
    assert tiled_macs(conv) == 4 * 9 * 64 * tiles


def test_a_depthwise_layer_has_one_tile_for_what_it_reads_and_makes() -> None:
    graph = example_graph((DepthwiseConv2d(), ((4, 4, 9),), ((3, 3, 9), (9,))))
    assert tiled_macs(graph) == 4 * 9 * 16
