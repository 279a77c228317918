"""Rows of a result that are computed alone are those of the whole result."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeprune import ops
from edgeprune.ir import Op, TensorType
from edgeprune.ops._window import Padding

PADS = [Padding(), Padding(1, 1, 1, 1), Padding(0, 1, 2, 0)]
RNG = np.random.default_rng(0)


def windows() -> list[tuple[Op, tuple[tuple[int, ...], ...]]]:
    """Operators with windows, and the shapes of their operands."""
    found: list[tuple[Op, tuple[tuple[int, ...], ...]]] = []
    image = (11, 6, 2)
    for stride in ((1, 1), (2, 1), (3, 2)):
        for pad in PADS:
            for dilation in ((1, 1), (2, 1)):
                conv = ops.Conv2d(stride, pad, dilation)
                found.append((conv, (image, (3, 3, 2, 2), (3,))))
                found.append((ops.DepthwiseConv2d(stride, pad, dilation), (image, (3, 2, 2), (2,))))
                turned = ops.ConvTranspose2d(stride, pad, dilation)
                found.append((turned, (image, (3, 3, 2, 2), (3,))))
            found += [(p((3, 3), stride, pad), (image,)) for p in (ops.MaxPool2d, ops.AvgPool2d)]
    return found


def others() -> list[tuple[Op, tuple[tuple[int, ...], ...]]]:
    """Operators without, likewise."""
    image = (8, 5, 3)
    return [
        (ops.Add(), (image, image)),
        (ops.Mul(), (image, (1, 1, 3))),
        (ops.Relu(), (image,)),
        (ops.Concat(), (image, (8, 5, 2))),
        (ops.Concat(1), (image, (8, 2, 3))),
        (ops.Concat(0), (image, (4, 5, 3))),
        (ops.Pad((2, 1, 0), (1, 0, 1)), (image,)),
        (ops.Gather((2, 0)), (image,)),
        (ops.Slice((1, 1, 0), (7, 5, 2), (1, 2, 1)), (image,)),
        (ops.Slice((2, 4, 0), (8, -1, 3), (3, -1, 1)), (image,)),
        (ops.Resize((16, 10)), (image,)),
        (ops.Resize((24, 5), coordinates="half_pixel"), (image,)),
        (ops.Resize((16, 10), "bilinear"), (image,)),
    ]


def evaluated(op: Op, operands: list[torch.Tensor]) -> torch.Tensor:
    batched = [x if i in op.weights else x[None] for i, x in enumerate(operands)]
    return op.evaluate(*batched)[0]


@pytest.mark.parametrize(("op", "shapes"), [*windows(), *others()], ids=lambda v: str(v)[:60])
def test_a_band_is_a_part_of_the_whole(op: Op, shapes: tuple[tuple[int, ...], ...]) -> None:
    operands = [torch.from_numpy(RNG.normal(size=s).astype(np.float32)) for s in shapes]
    types = [TensorType(s) for s in shapes]
    out = op.infer(*types)
    whole = evaluated(op, operands)
    count = 0
    for start in range(out.shape[0]):
        for stop in range(start + 1, out.shape[0] + 1):
            band = op.band(types, out, range(start, stop))
            if band is None:
                continue
            count += 1
            parts = [
                x if rows is None else x[rows.start : rows.stop]
                for x, rows in zip(operands, band.rows, strict=True)
            ]
            torch.testing.assert_close(evaluated(band.op, parts), whole[start:stop])
    assert count >= out.shape[0] // 3, "most rows can be computed alone"


@pytest.mark.parametrize("op", [ops.Mean(), ops.Slice((7, 0, 0), (-1, 5, 3), (-1, 1, 1))], ids=str)
def test_what_mixes_rows_has_no_bands(op: Op) -> None:
    image = TensorType((8, 5, 3))
    assert op.band([image], op.infer(image), range(1)) is None
