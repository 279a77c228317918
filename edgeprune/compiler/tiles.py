"""The work of a ``.tflite`` where apps run it: XNNPACK computes channels in tiles.

A layer takes as long with nine channels as with sixteen, whether it reads or makes them: its int8
kernels for AVX2 multiply eight channels of what is read by eight filters at a time.
"""

from __future__ import annotations

from edgeprune.ir import Graph
from edgeprune.ops import DepthwiseConv2d
from edgeprune.ops.linear import Linear, linears

TILE = 8


def tiled_macs(graph: Graph) -> int:
    """Multiply-accumulates of one inference with all channels in whole tiles."""
    return sum(map(_macs, linears(graph).values()))


def _macs(layer: Linear) -> int:
    if isinstance(layer.op, DepthwiseConv2d):
        return layer.positions * layer.taps * _tiles(layer.groups * layer.rows)
    read = layer.taps * _tiles(layer.channels)
    return layer.positions * layer.groups * read * _tiles(layer.rows)


def _tiles(channels: int) -> int:
    return -(-channels // TILE) * TILE
