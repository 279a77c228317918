"""Layout of activations in planes, of weights in steps, and the tiles that read them.

See ``runtime_c/arch/arm_dsp/ep_arm_dsp_tile.h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.arm_dsp._requant import Mode

REACH = 1020
"""Bytes that the offset of LDRD spans."""


@dataclass(frozen=True)
class Planes:
    """How one row of input lies in scratch.

    Attributes:
        channels: input channels.
        taps: kernel columns.
        stride: of the columns.
        dilation: of the columns.
        columns: output columns.
    """

    channels: int
    taps: int
    stride: int
    dilation: int
    columns: int

    @property
    def step(self) -> int:
        """Columns that share no output have different remainders by this."""
        return gcd(self.stride, self.dilation)

    @property
    def phases(self) -> int:
        """Parts of a plane: columns of one remainder by the stride."""
        return self.stride // self.step

    @property
    def phase_words(self) -> int:
        """Pixels of one phase that outputs read."""
        return self.columns + (self.taps - 1) * self.dilation // self.stride

    @property
    def plane_bytes(self) -> int:
        """One pair of channels of one row."""
        return 4 * self.phases * self.phase_words

    @property
    def full(self) -> int:
        """Planes of two channels."""
        return self.channels // 2

    @property
    def odd(self) -> bool:
        """Whether a plane of a single channel follows."""
        return self.channels % 2 == 1

    @property
    def row_bytes(self) -> int:
        """One row of input."""
        return (self.full + self.odd) * self.plane_bytes


def plane_channels(channels: int) -> list[tuple[int, int]]:
    """Which two channels share a plane: (0, 2), (1, 3) of each four, as SXTB16 delivers them."""
    pairs: list[tuple[int, int]] = []
    for c in range(0, channels - 3, 4):
        pairs += [(c, c + 2), (c + 1, c + 3)]
    c = channels - channels % 4
    return pairs + ([(c, c + 1)] if channels - c >= 2 else [])


def row_steps(p: Planes) -> list[tuple[tuple[int, int], ...]]:
    """The steps of one kernel row: one or two (tap, channel) that are multiplied together."""
    steps: list[tuple[tuple[int, int], ...]] = [
        ((t, a), (t, b)) for a, b in plane_channels(p.channels) for t in range(p.taps)
    ]
    if p.odd:
        last = p.channels - 1
        steps += [((t, last), (t + 1, last)) for t in range(0, p.taps - 1, 2)]
        steps += [((p.taps - 1, last),)] if p.taps % 2 else []
    return steps


def as_words(w: Array) -> Array:
    """Bytes as int32, so that the array is aligned; up to three zeros are added."""
    return np.pad(w.ravel(), (0, -w.size % 4)).view(np.int32)


def pack_weights(w: Array, p: Planes, *, narrow: bool) -> Array:
    """Weights in the order of the tiles, as many bytes as there are weights.

    Args:
        w: (o, kh, kw, i) int8.
        p: the layout of the input.
        narrow: reduce the second of a pair by one where the first is negative.
    """
    steps = row_steps(p)
    tap = np.array([t for s in steps for t, _ in s])
    channel = np.array([c for s in steps for _, c in s])
    ordered = w[:, :, tap, channel].reshape(w.shape[0], -1)  # (o, steps' multiplications)
    pairs = w.shape[0] // 2
    a = ordered[: 2 * pairs : 2].astype(np.int64)
    b = ordered[1 : 2 * pairs : 2].astype(np.int64)
    if narrow:
        b = b - (a < 0)
    mixed = np.stack([a, b], axis=-1).reshape(-1)
    rest = ordered[2 * pairs :].reshape(-1)
    packed = np.concatenate([mixed, rest])
    assert packed.min(initial=0) >= -128, "a narrow pair that does not fit"
    return packed.astype(np.int8)


@dataclass(frozen=True)
class Round:
    """What one round of a tile's loop takes.

    Attributes:
        rows: whole kernel rows; 1 where a round is part of one.
        planes: planes of two channels.
        odd: whether the plane of an odd last channel is part of it.
        count: rounds of a row that has a loop of its own, ``rest`` and ``odd`` behind it; else 0.
        rest: planes of two channels after these rounds.
    """

    rows: int
    planes: int
    odd: bool
    count: int = 0
    rest: int = 0

    def steps(self, p: Planes) -> int:
        """Steps that the code has."""
        odd = (p.taps + 1) // 2 if self.odd else 0
        return self.rows * ((self.planes + self.rest) * p.taps + odd)


def round_of(p: Planes, rows: int, steps: int) -> Round | None:
    """The loop with the least overhead within about that many steps.

    Args:
        p: the layout of the input.
        rows: kernel rows that lie one after the other without a break.
        steps: how many to unroll.

    Returns:
        None where a plane is out of reach of LDRD.
    """
    for n in (n for n in range(rows, 0, -1) if rows % n == 0):
        r = Round(n, p.full, p.odd)
        if n * p.row_bytes <= REACH and r.steps(p) <= steps:
            return r
    if p.plane_bytes > REACH:
        return None
    if not p.full:
        return Round(1, 0, True)
    most = max(1, min(p.full, steps // p.taps, REACH // p.plane_bytes))
    parts = Round(1, most, p.odd, p.full // most, p.full % most)
    even = max(n for n in range(1, most + 1) if p.full % n == 0)
    # A round of even parts ends with three instructions, one of a row's own loop with five.
    if not p.odd and 3 * (p.full // even) <= 5 * parts.count + 3:
        return Round(1, even, False)
    # One round and what is left of a row is the same code without a loop.
    straight = parts.count == 1 and p.row_bytes <= REACH
    return Round(1, p.full, p.odd) if straight else parts


@dataclass(frozen=True)
class Piece:
    """Code made by a macro of the runtime, named after its constants so that layers share it.

    Attributes:
        kind: "engine", "body", ...: the macro is EP_ARM_DSP_<KIND>.
        constants: its arguments.
    """

    kind: str
    constants: tuple[int, ...]

    @property
    def name(self) -> str:
        """The C name."""
        return f"ep_{self.kind}_" + "_".join(map(str, self.constants)).replace("-", "m")

    @property
    def instance(self) -> str:
        """The C text that makes it, once in a file."""
        arguments = ", ".join(map(str, self.constants))
        made = f'EP_ARM_DSP_{self.kind.upper()}({self.name}, "{arguments}");'
        return f"#ifndef EP_HAVE_{self.name}\n#define EP_HAVE_{self.name}\n{made}\n#endif\n"


@dataclass(frozen=True)
class Tile:
    """One instance of the assembler tile.

    Attributes:
        planes: the layout that it reads.
        rows: kernel rows.
        pixels: 1 to 4.
        solo: one channel instead of two.
        narrow: channels are paired as A + 256 * B.
        mode: how it rounds.
        clamp: smallest and largest output.
        round: what one round of the loop takes.
        ring: rows wrap around.
        shared: the loop is there even where one round is all.
        dual: for cores that begin two instructions together.
    """

    planes: Planes
    rows: int
    pixels: int
    solo: bool
    narrow: bool
    mode: Mode
    clamp: tuple[int, int]
    round: Round
    ring: bool
    shared: bool = False
    dual: bool = False

    @property
    def _loop(self) -> bool:
        p, r = self.planes, self.round
        return self.shared or self.rows > r.rows or (not r.count and r.planes < p.full)

    @property
    def ahead(self) -> int:
        """Bytes by which the pointers of the window run ahead, so that the last load moves them."""
        p, r = self.planes, self.round
        if not self._loop or self.pixels < 4 or r.count or self.dual:
            return 0
        last = (p.taps - 1) // 2 * 2 if r.odd else p.taps - 1
        at = last * p.dilation
        offset = at % p.stride // p.step * 4 * p.phase_words + at // p.stride * 4
        return offset + 8 - p.plane_bytes

    @property
    def _engine(self) -> Piece:
        head = [self.pixels, 1 if self.solo else 2, int(not self.narrow)]
        return Piece("engine", (*head, int(self.mode), *self.clamp))

    @property
    def _body(self) -> Piece:
        p, r = self.planes, self.round
        constants = (
            self.pixels,
            1 if self.solo else 2,
            int(not self.narrow),
            r.rows,
            r.planes,
            int(r.odd),
            r.count,
            r.rest,
            p.taps,
            p.dilation,
            p.stride,
            p.step,
            4 * p.phase_words,
            p.plane_bytes,
            int(self.ring),
            int(self._loop),
            self.ahead,
            int(self.dual),
        )
        return Piece("body", constants)

    @property
    def name(self) -> str:
        """The initialiser of an ``ep_arm_dsp_tile``."""
        return f"{{{self._engine.name}, {self._body.name}}}"

    @property
    def instance(self) -> str:
        """The C text that makes it."""
        return self._engine.instance + self._body.instance

    @property
    def _step(self) -> int:
        """Instructions of one step."""
        weights = 3 if self.solo else 2 if self.narrow else 3
        loads = min(self.pixels, 3)  # LDRD for the third and the fourth
        return weights + loads + self.pixels * (1 if self.solo else 2)

    @property
    def _requant(self) -> int:
        """Instructions from the accumulators to the outputs."""
        low, high = self.clamp
        cut = 1 + 3 * (int(low > -128) + int(high < 127))
        each = 3 + cut + {Mode.TWICE: 2, Mode.RELU: 1, Mode.ONCE: 0}[self.mode]
        channels = 1 if self.solo else 2
        return channels * (self.pixels * each + 5) + (self.pixels if self.narrow else 0)

    @property
    def instructions(self) -> int:
        """Of one pair of channels, or one channel."""
        p, r = self.planes, self.round
        odd = (p.taps + 1) // 2 if p.odd else 0
        steps = self.rows * (p.full * p.taps + odd)
        if r.count:
            again = self.rows * (5 * r.count + 3 + 3 * self._loop)
        else:
            rounds = self.rows * (p.full // r.planes if r.planes else 1) // r.rows
            again = rounds * (3 + (self.pixels < 4)) * self._loop
        return steps * self._step + again + self._requant + 21 + (9 if self.ring else 0)

    @property
    def code_bytes(self) -> int:
        """Size of the instance."""
        return 4 * (self.round.steps(self.planes) * self._step + self._requant + 45)
