"""Runs a model on a board that is plugged in: the self-test that `edgeprune flash` put there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array
from edgeprune.progress import Progress, silent
from edgeprune.toolchain.cmodel import read_model
from edgeprune.toolchain.firmware import model_id
from edgeprune.toolchain.line import (
    BAUD,
    PATIENCE_S,
    START_S,
    Answer,
    Expected,
    Port,
    converse,
)
from edgeprune.verify import probe
from edgeprune.verify.run_target import input_bytes

PREFIX = "serial:"
PROBE = "probe"
_READ_S = 0.02
_WRITE_S = 2.0


@dataclass(frozen=True)
class BoardRun:
    """What a board gave.

    Attributes:
        outputs: (n, output shape), in the model's output type.
        stack_bytes: the deepest that the model's stack got; None where the board cannot tell.
        cycles: of an inference, in the mean; None where its clock counts something else.
        ms: of an inference, in the mean.
        clock_hz: of the core.
        resets: how often the board was reset meanwhile.
    """

    outputs: Array
    stack_bytes: int | None
    cycles: int | None
    ms: float | None
    clock_hz: int | None
    resets: int


def run(
    c_dir: Path,
    where: str,
    inputs: Array,
    *,
    start_s: float = START_S,
    patience_s: float = PATIENCE_S,
    progress: Progress = silent,
) -> BoardRun:
    """Put inputs to a board, one by one.

    Args:
        c_dir: the folder of generated C that is on the board, with its ``manifest.json``.
        where: "serial:" and the device of the serial line; "probe", or "probe:" and its unique id.
        inputs: (n, input shape), in the model's input type.
        start_s: how long a board may take until it says what it is.
        patience_s: how long an inference may take.
        progress: told after every inference.

    Raises:
        FirmwareError: the firmware found a fault, or fell silent.
        EdgePruneError: there is no such device, nothing answers, or another model is on the board.
    """
    model = read_model(c_dir)
    size = model.inputs.nbytes
    raw = input_bytes(model, inputs)
    rows = [raw[i : i + size] for i in range(0, len(raw), size)]
    expected = Expected(model_id(model), size, model.outputs.nbytes)
    with _line(where) as port:
        found = converse(
            port,
            expected,
            rows,
            where,
            start_s=start_s,
            patience_s=patience_s,
            progress=progress,
        )
    outputs = b"".join(row.output for row in found.rows)
    ticks = _mean(found.rows)
    seconds = ticks / found.ticks_hz if ticks and found.ticks_hz else None
    return BoardRun(
        outputs=model.outputs.unpack(outputs),
        stack_bytes=max(row.stack_bytes for row in found.rows) or None,
        cycles=round(ticks) if ticks and found.ticks_hz == found.core_hz else None,
        ms=None if seconds is None else round(1000 * seconds, 4),
        clock_hz=found.core_hz,
        resets=found.resets,
    )


def _mean(rows: tuple[Answer, ...]) -> float | None:
    ticks = [row.ticks for row in rows if row.ticks is not None]
    return sum(ticks) / len(ticks) if len(ticks) == len(rows) else None


def is_board(name: str) -> bool:
    """Whether a name is that of a board's line, and not of an emulated core."""
    return name == PROBE or name.startswith((PREFIX, f"{PROBE}:"))


def _line(where: str) -> AbstractContextManager[Port]:
    if where.startswith(PREFIX):
        return _opened(where.removeprefix(PREFIX), where)
    return probe.opened(where.removeprefix(PROBE).removeprefix(":"), where)


@contextmanager
def _opened(device: str, where: str) -> Iterator[Port]:
    """The line, opened; what goes wrong with it is the user's to mend."""
    import serial

    try:
        with serial.Serial(device, BAUD, timeout=_READ_S, write_timeout=_WRITE_S) as port:
            port.reset_input_buffer()
            yield _Patient(port, serial.SerialTimeoutException)
    except (serial.SerialException, OSError) as error:
        hint = "is the board plugged in, and may you use its port (group dialout)?"
        raise EdgePruneError(where, f"the serial line fails: {error}", hint) from error


@dataclass(frozen=True)
class _Patient:
    """A line that nobody reads is no error yet: the question is asked again."""

    port: Port
    full: type[Exception]

    def write(self, data: bytes) -> object:
        try:
            return self.port.write(data)
        except self.full:
            return None

    def read(self, size: int) -> bytes:
        return self.port.read(size)
