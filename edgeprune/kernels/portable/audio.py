"""Features of a frame of sound."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array, DType
from edgeprune.ir.fixedpoint.audio import log_table
from edgeprune.ir.fixedpoint.fft import twiddles
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import spell
from edgeprune.ops import AudioFeatures


def audio_features(request: Request) -> KernelCall | None:
    """AudioFeatures of int16 samples, as int8."""
    op, graph, node = request.node.op, request.graph, request.node
    types, y = graph.types_of(node), graph.types[node.output]
    if not isinstance(op, AudioFeatures) or y.dtype is not DType.INT8:
        return None
    rules, half = op.rules, op.rules.fft // 2
    window, bank, groups, gains = (graph.constants[v] for v in node.inputs[2:])
    stages, last = twiddles(half)

    def table(role: str, values: Array) -> Constant:
        return Constant(role, values.ravel().astype(np.int16), "int16_t", of_weights=0)

    return spell(
        "ep_audio_features_s16_s8",
        {
            "samples": types[0].size,
            "window_shift": rules.window_shift,
            "bits": half.bit_length() - 1,
            "first": rules.first,
            "last": rules.last,
            "bands": y.shape[1],
            "weights": bank.shape[1],
            "smoothing": rules.smoothing,
            "odd_smoothing": rules.odd_smoothing,
            "kept": rules.kept,
            "odd_kept": rules.odd_kept,
            "floor": rules.floor,
            "share_bits": rules.share_bits,
            "noise_bits": rules.noise_bits,
            "clamps": int(rules.clamps),
            "snr_shift": rules.snr_shift,
            "log_shift": rules.log_shift,
            "log_scale": rules.log_scale,
            "factor": rules.factor,
            "added": rules.added,
            "divisor": rules.divisor,
            "offset": rules.offset,
        },
        node.inputs[:2],
        (
            table("window", window),
            table("roots", np.concatenate([stages[: 3 * half // 4], last])),
            table("bank", bank),
            table("groups", groups),
            table("gains", gains),
            table("logs", log_table()),
        ),
        shared=("ep_energy_s16",),
        scratch_bytes=8 * half + 4,
        instructions=8 * op.macs(*types) + 1500 * y.shape[1],
    )
