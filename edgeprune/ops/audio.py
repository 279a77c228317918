"""From samples of sound to features, as TFLite Micro's signal operators have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.ir import (
    Array,
    Channels,
    DType,
    Graph,
    Ids,
    Node,
    OnnxNode,
    Op,
    TensorType,
    TfliteOp,
)
from edgeprune.ir.fixedpoint.audio import GAINS, Rules, Tables, features

if TYPE_CHECKING:
    import torch

WORD_BYTES = 4  # of an estimate of noise


@dataclass(frozen=True)
class AudioFeatures(Op):
    """Features of a frame of sound in c bands, and the estimate of noise that it keeps.

    Shapes: samples int16 (n,), noise (4, c), window (n,), weights (2, w), groups (3, c + 1),
    gains (125,) -> (5, c): the features, then the estimate behind the frame. An estimate is of 32
    bits, which go from call to call as four rows of bytes, the low ones first.

    Attributes:
        rules: the numbers of its integers.
        scale: real value of a step of the result.
        zero: its zero point.
    """

    kind: ClassVar[str] = "audio_features"
    weights: ClassVar[frozenset[int]] = frozenset({2, 3, 4, 5})
    has_onnx: ClassVar[bool] = False
    has_tflite: ClassVar[bool] = False
    keeps_integers: ClassVar[bool] = True
    rules: Rules
    scale: float = 1.0
    zero: int = 0

    def infer(self, *x: TensorType) -> TensorType:
        samples, noise, window, bank, groups, gains = x
        c = noise.shape[-1]
        wanted = [samples.shape, (WORD_BYTES, c), samples.shape, bank.shape, (3, c + 1), (GAINS,)]
        pairs = len(bank.shape) == 2 and bank.shape[0] == 2
        if [t.shape for t in x] != wanted or len(window.shape) != 1 or not pairs:
            shapes = [list(t.shape) for t in (samples, noise, window, bank, groups, gains)]
            raise EdgePruneError("operands", f"{shapes} do not go together")
        return TensorType((1 + WORD_BYTES, c), noise.dtype)

    def evaluate(self, *x: torch.Tensor) -> torch.Tensor:
        """The integers' own answer: there is no other, and no derivative."""
        import torch

        samples, noise, *tables = (v.detach().numpy() for v in x)
        held = np.rint(noise / self.scale + self.zero).clip(-128, 127).astype(np.int8)
        whole = [np.rint(v).astype(np.int16) for v in (samples, *tables)]
        made = self._features(whole[0], held, *whole[1:]).astype(np.float32)
        return torch.from_numpy((made - self.zero) * np.float32(self.scale))

    def evaluate_int(self, types: Sequence[TensorType], out: TensorType, *x: Array) -> Array:
        if out.dtype is not DType.INT8 or types[0].dtype is not DType.INT16:
            raise UnsupportedError(self.kind, "is computed as its file has it", "use --dtype auto")
        return self._features(*x)

    def _features(self, samples: Array, noise: Array, *tables: Array) -> Array:
        held = noise.view(np.uint8).astype(np.uint32)
        before = sum(held[:, k] << np.uint32(8 * k) for k in range(WORD_BYTES))
        made, after = features(self.rules, Tables(*tables), samples, np.asarray(before))
        parts = [(after >> np.uint32(8 * k)).astype(np.uint8) for k in range(WORD_BYTES)]
        return np.stack([made, *(p.view(np.int8) for p in parts)], axis=1)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        y = ch.new(self.infer(*types).shape)
        for operand in (*ids[:2], y):
            ch.pin(operand, "samples and bands of sound are kept whole")
        return y

    def macs(self, *x: TensorType) -> int:
        stages = self.rules.fft.bit_length()  # a product of four for two points in every other one
        return x[0].size + self.rules.fft * stages + x[3].size

    def to_tflite(self, x: Sequence[TensorType], y: TensorType) -> TfliteOp:
        raise UnsupportedError(self.kind, "LiteRT has no signal operators")

    def to_onnx(self, x: Sequence[TensorType], y: TensorType) -> OnnxNode:
        raise UnsupportedError(self.kind, "ONNX has no signal operators in integers")


def is_sound(graph: Graph, value: str) -> bool:
    """Whether an input is samples of sound: what lies before their features only moves them."""
    todo = [n.inputs[0] for n in graph.nodes if isinstance(n.op, AudioFeatures)]
    while todo:
        v = todo.pop()
        if v == value:
            return True
        node = graph.producer.get(v)
        if node is not None and node.op.moves:
            todo += node.inputs
    return False
