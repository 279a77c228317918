"""Fully connected layers, two multiplications an instruction: weights of two channels in a word.

A word of four weights, two instructions and a multiplication each, makes two products of 16 bits
twice. Those of eight inputs are added before they are taken apart, wherever the weights prove that
all sums have 16 bits; elsewhere those of two.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.accumulators import accumulators
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable import dense as portable
from edgeprune.kernels.portable._spell import zero_of
from edgeprune.kernels.riscv.conv import FOLDER, MOST, finished, runs_of

FUNCTION = "ep_dense_s8_riscv"
EIGHTS = 8
"""Inputs that are added up, and channels that share their loads."""
DOUBLED = 2**30
"""No accumulator may reach it, as each is doubled on its way to the result."""
ZEROS = 1024
"""Most that are added to the weights."""
BY_TWOS = 2
"""At most one in so many eights may go by twos, which is slower than the portable kernel."""
PER_MAC = 2.3
PER_INPUT = 3
PER_OUTPUT = 30


def dense(request: Request) -> KernelCall | None:
    """Dense layers that scale every channel down and whose weights do not lie in flash as codes."""
    call = finished(portable.dense(request), "ep_dense_s8") if request.values is None else None
    if call is None:
        return None
    x, *constants = request.node.inputs
    w, bias = (request.graph.constants[v] for v in constants)
    if accumulators(w, bias, zero_of(request.graph.types[x])).reach.max() >= DOUBLED:
        return None
    channels, inputs = (-n % EIGHTS for n in w.shape)
    weights = np.pad(w, ((0, channels), (0, inputs)))
    sums = np.abs(weights.astype(np.int32)).reshape(len(weights) // EIGHTS, EIGHTS, -1, EIGHTS)
    by_twos = int((sums.sum(axis=3) > MOST).any(axis=1).sum())
    least = (weights.reshape(len(weights), -1, 2) == -128).all(axis=2).any()
    if weights.size - w.size > ZEROS or least or BY_TWOS * by_twos * EIGHTS**2 > weights.size:
        return None
    rows = request.graph.macs_of(request.node) // w.size
    work = PER_MAC * weights.size + PER_INPUT * weights.shape[1] + PER_OUTPUT * len(w)
    return replace(
        call,
        function=FUNCTION,
        sources=(f"{FOLDER}/{FUNCTION}.c", f"{FOLDER}/ep_eights_s8_riscv.S"),
        headers=(f"{FOLDER}/{FUNCTION}.h",),
        constants=(
            Constant("weights", in_words(weights), "int32_t"),
            Constant("runs", runs_of(weights, EIGHTS, EIGHTS), "uint8_t"),
            *call.constants[1:],
        ),
        scratch_bytes=weights.shape[1] * (2 if inputs else 1),
        instructions=int(rows * work),
        others=(),
    )


def in_words(w: Array) -> Array:
    """Weights (channels, inputs), both multiples of eight, as ``ep_eights_s8_riscv.h`` has them.

    Returns:
        Flat int32: [channels / 8][input][2], words of four channels.
    """
    blocks = w.reshape(-1, EIGHTS, w.shape[1]).transpose(0, 2, 1)
    return (blocks.astype(np.uint8) ^ 0x80).ravel().view("<u4").astype(np.uint32).view(np.int32)
