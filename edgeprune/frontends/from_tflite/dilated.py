"""Dilated convolutions as TensorFlow spells some: the phases of an image as a batch, put together.

SPACE_TO_BATCH_ND takes the image apart, a plain convolution works on each phase, and
BATCH_TO_SPACE_ND puts the results together again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator, option
from edgeprune.frontends.from_tflite.reader import Reader, counts
from edgeprune.ops import Conv2d, DepthwiseConv2d, Reshape
from edgeprune.ops._window import Padding

LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D")
SHAPES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")


@dataclass(frozen=True)
class Phases:
    """A value whose phases are its batch.

    Attributes:
        source: number of the tensor that was taken apart.
        block: phases along each spatial axis, one axis or two: the dilation.
        pads: elements that were added before and behind, axis after axis.
        layer: the convolution of each phase; None: not seen yet.
    """

    source: int
    block: tuple[int, ...]
    pads: tuple[int, ...]
    layer: Operator | None = None


def space_to_batch(r: Reader, op: Operator) -> None:
    """SPACE_TO_BATCH_ND: operands 1 and 2 have the block and what is added around."""
    r.check_types(op, 0)
    block, pads = tuple(r.integers(op, 1)), tuple(r.integers(op, 2))
    rank = len(r.operand(op, 0).shape)
    if len(block) != rank - 2 or len(block) not in (1, 2) or len(pads) != 2 * len(block):
        raise UnsupportedError(r.where(op), f"takes blocks {list(block)} of {rank} axes")
    if min(block) < 1 or min(pads) < 0:
        raise EdgePruneError(r.where(op), f"takes blocks {list(block)}, pads {list(pads)}")
    r.phases[op.outputs[0]] = Phases(op.inputs[0], block, pads)


def follow(r: Reader, op: Operator) -> bool:
    """Take note of an operator that works on phases; whether it does."""
    phases = r.phases.get(op.inputs[0]) if op.inputs else None
    if phases is None or op.name == "BATCH_TO_SPACE_ND":
        return False
    if op.name in LAYERS and phases.layer is None:
        phases = replace(phases, layer=op)
    elif op.name not in SHAPES:
        raise UnsupportedError(r.where(op), "works on a batch that was made of an image")
    r.phases[op.outputs[0]] = phases
    return True


def batch_to_space(r: Reader, op: Operator) -> None:
    """BATCH_TO_SPACE_ND: the end of a dilated convolution."""
    phases = r.phases.get(op.inputs[0])
    if phases is None or phases.layer is None or tuple(r.integers(op, 1)) != phases.block:
        raise UnsupportedError(r.where(op), "is not the end of a dilated convolution")
    crops = r.integers(op, 2)
    if len(crops) != len(phases.pads) or min(crops) < 0:
        raise EdgePruneError(r.where(op), f"cuts off {crops}")
    sides = [p - c for p, c in zip(phases.pads, crops, strict=True)]
    if min(sides) < 0:
        raise UnsupportedError(r.where(op), f"cuts {crops} off an image with {phases.pads} added")
    flat = len(phases.block) == 1
    dilation = (1, phases.block[0]) if flat else (phases.block[0], phases.block[1])
    around = (0, 0, *sides) if flat else tuple(sides)
    padding = Padding(around[0], around[2], around[1], around[3])
    layer = replace(phases.layer, inputs=(phases.source, *phases.layer.inputs[1:]))
    deep = layer.name == "DEPTHWISE_CONV_2D"
    image, w, bias = r.layer(layer, 0, 1, 2, 3 if deep else 0)
    _check(r, layer, deep)
    channels = r.operand(layer, 0).shape[-1]
    if w.ndim != 4 or w.shape[0 if deep else 3] == 0 or (not deep and channels % w.shape[3]):
        raise EdgePruneError(r.where(layer), f"has weights of shape {list(w.shape)}")
    made: Conv2d | DepthwiseConv2d
    if deep:
        made = DepthwiseConv2d((1, 1), padding, dilation, r.clamp(layer, 4))
        weights = r.weights(layer, 1, w[0], 2)
    else:
        groups = channels // w.shape[3]
        made = Conv2d((1, 1), padding, dilation, groups, r.clamp(layer, 3))
        weights = r.weights(layer, 1, w, 0)
    if not flat:
        r.add(op, made, (image, weights, bias))
        return
    row = (1, *r.known[image].shape)
    image = r.between(layer, Reshape(shape=row), (image,), "row")
    whole = r.result(op).shape
    name = f"{r.result(op).name}/row"
    r.add(op, made, (image, weights, bias), replace(r.result(op), name=name, shape=(1, *whole)))
    r.add(op, Reshape(shape=whole[1:]), (name,))


def _check(r: Reader, layer: Operator, deep: bool) -> None:
    """The convolution of a phase must be plain."""
    r.need_symmetric(layer, 1, 3 if deep else 0)
    first = 5 if deep else 4
    steps = counts(r, layer, (1, 0), (2, 0), (first, 1), (first + 1, 1))
    if set(steps) != {1} or option(layer, 0, "b") != 1:
        raise UnsupportedError(r.where(layer), "has strides or pads phases of an image")
