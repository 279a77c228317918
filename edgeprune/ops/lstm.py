"""The long short-term memory as one operator, as TFLite's int8 files have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.ir import Array, Channels, DType, Ids, Node, OnnxNode, Op, TensorType, TfliteOp
from edgeprune.ir.fixedpoint import quantize_multiplier
from edgeprune.ir.fixedpoint.lstm import Cell
from edgeprune.ops._clamp import quants

if TYPE_CHECKING:
    import torch

GATE = np.float32(2.0**-12)  # Q3.12


@dataclass(frozen=True)
class Lstm(Op):
    """All steps of a layer of n units (Hochreiter and Schmidhuber 1997), and what it keeps.

    Shapes: x (steps, i), state h (1, n), cell c (2, n), w (4 n, i), r (4 n, n), bias (4 n,) ->
    (steps + 2, n): the state behind every step, then the cell behind the last one. Gates are
    input, forget, cell, output. The integers of the cell are int16, which go from call to call as
    two rows of bytes, the low ones first; in float the first row has them.

    Attributes:
        cell_bits: integer bits of the int16 cell: its scale is 2^(cell_bits - 15).
        clip: the cell's integers are kept within plus and minus this; 0: they are not.
    """

    kind: ClassVar[str] = "lstm"
    weights: ClassVar[frozenset[int]] = frozenset({3, 4, 5})
    has_onnx: ClassVar[bool] = False
    keeps_integers: ClassVar[bool] = True
    cell_bits: int = 3
    clip: int = 0

    def infer(self, *x: TensorType) -> TensorType:
        steps, inputs = x[0].shape if len(x[0].shape) == 2 else (0, 0)
        n = x[1].shape[-1]
        wanted = [(1, n), (2, n), (4 * n, inputs), (4 * n, n), (4 * n,)]
        if not steps or [t.shape for t in x[1:]] != wanted:
            shapes = [list(t.shape) for t in x]
            raise EdgePruneError("operands", f"{shapes} do not go together")
        return TensorType((steps + 2, n), x[0].dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        import torch

        inputs, h, c, w, r, bias = x
        h, c, rows = h[:, 0], c[:, 0], []
        limit = self.clip * 2.0 ** (self.cell_bits - 15)
        for t in range(inputs.shape[1]):
            i, f, g, o = (inputs[:, t] @ w.T + h @ r.T + bias).chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            if limit:
                c = c.clamp(-limit, limit)
            h = o.sigmoid() * c.tanh()
            rows.append(h)
        return torch.stack([*rows, c, torch.zeros_like(c)], dim=1)

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if out.dtype is not DType.INT8 or types[3].dtype is not DType.INT8:
            raise UnsupportedError(self.kind, "is computed as its file has it", "use --dtype auto")
        cell = self.cell(types, out, *x[3:])
        held = x[2].view(np.uint8)[:, 0] + (x[2][:, 1].astype(np.int16) << 8)
        rows, after = cell.run(x[0], x[1][:, 0], held)
        low, high = (after & 255).astype(np.uint8).view(np.int8), (after >> 8).astype(np.int8)
        return np.concatenate([rows, low[:, None], high[:, None]], axis=1)

    def cell(self, types: Sequence[TensorType], out: TensorType, *weights: Array) -> Cell:
        """The constants of its integers; weights are w, r, bias."""
        w, r, bias = (a.astype(np.int64) for a in weights)
        n = r.shape[1]
        xq, hq, yq = quants(types[0], types[1], out)
        pairs = [
            [
                quantize_multiplier(float(np.float32(s) * np.float32(q.scale[0]) / GATE))
                for s in quants(t)[0].scale[::n]
            ]
            for t, q in ((types[3], xq), (types[4], hq))
        ]
        offsets = np.stack(
            [bias - xq.zero_point[0] * w.sum(axis=1), -hq.zero_point[0] * r.sum(axis=1)]
        )
        hidden = float(np.float32(2.0**-15 / yq.scale[0] * 2.0**-15))
        scales = np.asarray(pairs, np.int64)
        rescale = quantize_multiplier(hidden)
        return Cell(w, r, offsets, scales, self.cell_bits, self.clip, rescale, yq.zero_point[0])

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        y, why = ch.new(self.infer(*types).shape), "an LSTM's inputs and units are kept whole"
        for operand in (*ids[:3], y):
            ch.pin(operand, why)
        return y

    def macs(self, *x: TensorType) -> int:
        return x[0].shape[0] * (x[3].size + x[4].size)

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        raise UnsupportedError(self.kind, "stands alone in no file: it keeps what its files keep")

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        raise UnsupportedError(self.kind, "ONNX's LSTM has no integers of this kind")
