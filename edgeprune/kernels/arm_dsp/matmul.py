"""int8 products of two computed matrices, by the tiles of convolutions."""

from __future__ import annotations

from math import ceil

from edgeprune.ir.fixedpoint import QMAX, QMIN, matmul_multiplier
from edgeprune.kernels.arm_dsp._requant import Mode, shifted
from edgeprune.kernels.arm_dsp._tiles import Planes, Round, Tile, round_of
from edgeprune.kernels.arm_dsp.conv import SHARED_PLANES, STRIP_STEPS
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable._spell import quant
from edgeprune.kernels.portable.matmul import matmul as portable
from edgeprune.ops import MatMul

FOLDER = "arch/arm_dsp"

PART = 128
"""Terms whose sum an int16 holds: EP_MATMUL_PART."""
PAIRS = 8
"""Pairs of columns that the tiles are called for at once: EP_MATMUL_PAIRS."""
LONGEST = 2**15 - 1
"""Of every dimension."""


def matmul(request: Request) -> KernelCall | None:
    """A product whose sums the tiles can hold and round."""
    call = portable(request)
    if call is None or call.function != "ep_matmul_s8":
        return None
    graph, node = request.graph, request.node
    assert isinstance(node.op, MatMul)
    a, b = graph.types_of(node)
    m, k, n = node.op.sizes(a, b)
    steps = rescaling(request, k)
    if steps is None or max(m, k, n) > LONGEST:
        return None
    planes = ceil(k / 2) + ceil(k / PART)
    turn: Round | None = None
    if request.optimize == "size":
        planes += -planes % SHARED_PLANES
        turn = Round(1, SHARED_PLANES, False)
    form = Planes(2 * planes, 1, 1, 1, 4)
    turn = turn or round_of(form, 1, STRIP_STEPS[request.optimize])
    assert turn is not None, "a plane of four pixels is in reach"
    tiles = _tiles(form, turn, m, n)
    used = [t for t in tiles.values() if t]
    params = dict(call.params)
    taken = ("count", "a_step", "b_step", "rows", "in_len", "out_len", "transposed")
    count = int(params["count"])
    each = sum(
        (m // 4 if t.pixels == 4 else 1) * t.instructions * (1 if t.solo else n // 2) for t in used
    )
    packed = (count if params["b_step"] else 1) * k * n * 2
    return KernelCall(
        function="ep_matmul_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_matmul_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_matmul_s8_arm_dsp.h",),
        params_type="ep_matmul_s8_arm_dsp_params",
        params=(
            *((name, params[name]) for name in taken),
            ("a_zero", params["a_zero"]),
            ("b_zero", params["b_zero"]),
            ("planes", planes),
            ("twice_zero", 2 * int(params["y_zero"]) + 1),
            ("mult", steps[0]),
            ("shift", steps[1] - shifted(Mode.TWICE, narrow=False)[0]),
            ("ahead", max((abs(t.ahead), t.ahead) for t in used)[1]),
            *((role, t.name if t else "{0, 0}") for role, t in tiles.items()),
        ),
        constants=(),
        inputs=call.inputs,
        scratch_bytes=24 * PAIRS + 16 * planes + 2 * planes * n,
        instance="".join(dict.fromkeys(t.instance for t in used)),
        instructions=count * (each + m * (k * 3 + 60)) + packed,
        code_bytes=sum(t.code_bytes for t in used),
    )


def _tiles(form: Planes, turn: Round, m: int, n: int) -> dict[str, Tile | None]:
    """The tiles of m rows and n columns by their parameter; None where there is nothing for one."""

    def tile(pixels: int, *, solo: bool) -> Tile | None:
        if not pixels or (n % 2 == 0 if solo else n < 2):
            return None
        return Tile(form, 1, pixels, solo, False, Mode.TWICE, (QMIN, QMAX), turn, False, True)

    whole, rest = (4 if m >= 4 else 0), m % 4
    return {
        "tile": tile(whole, solo=False),
        "tail": tile(rest, solo=False),
        "solo": tile(whole, solo=True),
        "solo_tail": tile(rest, solo=True),
    }


def rescaling(request: Request, k: int) -> tuple[int, int] | None:
    """Multiplier and right shift; None where the tiles cannot round with them."""
    graph, node = request.graph, request.node
    a, b = (quant(t) for t in graph.types_of(node))
    y = quant(graph.types[node.output])
    mult, shift = matmul_multiplier(a, b, y)
    right = -shift
    reach = k
    for zero in (a.scalar[1], b.scalar[1]):
        reach *= max(QMAX - zero, zero - QMIN)
    if right < 1 or reach >= 2**30:
        return None
    first = (reach * mult >> 31) + 1
    rounding = abs((1 << (right - 1)) + (y.scalar[1] << right))
    return (mult, right) if rounding + first < 2**31 - 1 else None
