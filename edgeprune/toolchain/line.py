"""Talks with a self-test over a serial line: frames, questions, answers.

``targets/_firmware/serial.c`` is the other end and describes the protocol. Whatever the line does,
an answer is taken only whole (CRC-32), of this session and to the question that was asked.
"""

from __future__ import annotations

import secrets
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from edgeprune.errors import EdgePruneError
from edgeprune.progress import Progress, silent
from edgeprune.toolchain.emulator import FirmwareError

BAUD = 115200
START_S = 12.0  # bootloaders wait some seconds before they start what was flashed
PATIENCE_S = 120.0  # of an inference
RESTARTS = 5
_VERSION = 1
_END, _ESC = b"\xc0", b"\xdb"
_ESCAPED = ((_ESC, b"\xdb\xdd"), (_END, b"\xdb\xdc"))
_HEAD = struct.Struct("<cII")  # kind, session, number
_HELLO = struct.Struct("<BIIIIIB")
_COST = struct.Struct("<QI")
_ASK_AGAIN_S = 0.5
_MOST_BYTES = 1 << 24  # between two ends of frames, of what may be no board at all


class Port(Protocol):
    """A serial line, such as pyserial's."""

    def write(self, data: bytes) -> object:
        """Send bytes."""

    def read(self, size: int) -> bytes:
        """Up to so many bytes, after a short while at the latest."""


class _ResetError(Exception):
    """The board lost the session: it was reset."""


@dataclass(frozen=True)
class Expected:
    """What must be on the board: the model's id, and bytes of an input and of an output."""

    model: int
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class Answer:
    """To one input. Ticks are None where the clock wrapped meanwhile."""

    output: bytes
    ticks: int | None
    stack_bytes: int


@dataclass(frozen=True)
class Answers:
    """To all inputs, in their order, with the ticks in a second and the core's clock, or None."""

    rows: tuple[Answer, ...]
    ticks_hz: int | None
    core_hz: int | None
    resets: int


def frame(kind: bytes, session: int, number: int, body: bytes = b"") -> bytes:
    """A frame as it goes over the line."""
    content = _HEAD.pack(kind, session, number) + body
    content += zlib.crc32(content).to_bytes(4, "little")
    for plain, escaped in _ESCAPED:
        content = content.replace(plain, escaped)
    return _END + content + _END


def unframe(between: bytes) -> tuple[bytes, int, int, bytes] | None:
    """Kind, session, number and body of what came between two ends; None if it is not whole."""
    for plain, escaped in reversed(_ESCAPED):
        between = between.replace(escaped, plain)
    content, crc = between[:-4], between[-4:]
    if len(content) < _HEAD.size or zlib.crc32(content).to_bytes(4, "little") != crc:
        return None
    return *_HEAD.unpack(content[: _HEAD.size]), content[_HEAD.size :]


def converse(
    port: Port,
    expected: Expected,
    inputs: Sequence[bytes],
    where: str,
    *,
    start_s: float = START_S,
    patience_s: float = PATIENCE_S,
    progress: Progress = silent,
) -> Answers:
    """Put inputs to a board, one by one.

    Args:
        port: the line.
        expected: what must be on the board.
        inputs: the bytes of each.
        where: the line's name, in messages.
        start_s: how long a board may take until it says what it is.
        patience_s: how long it may take for an answer.
        progress: told after every answer.

    Raises:
        FirmwareError: the firmware found a fault, or fell silent, or was reset again and again.
        EdgePruneError: nothing answers, or it holds another model.
    """
    talk = _Talk(port, expected, where, start_s, patience_s, progress)
    for resets in range(RESTARTS + 1):
        try:
            rows, hello = talk.session(inputs)
        except _ResetError:
            continue
        return Answers(rows, hello.ticks_hz or None, hello.core_hz or None, resets)
    what = f"the board was reset {RESTARTS + 1} times before all {len(inputs)} inputs were answered"
    raise FirmwareError(where, what, "a weak supply, or a watchdog of its own, resets boards")


@dataclass(frozen=True)
class _Hello:
    version: int
    model: int
    input_bytes: int
    output_bytes: int
    ticks_hz: int
    core_hz: int
    bits: int


class _Talk:
    def __init__(
        self,
        port: Port,
        expected: Expected,
        where: str,
        start_s: float,
        patience_s: float,
        progress: Progress,
    ) -> None:
        self.port = port
        self.expected = expected
        self.where = where
        self.start_s = start_s
        self.patience_s = patience_s
        self.progress = progress
        self.pending = bytearray()
        self.session_id = 0

    def session(self, inputs: Sequence[bytes]) -> tuple[tuple[Answer, ...], _Hello]:
        self.session_id = secrets.randbits(32)
        hello = self._hello()
        rows: list[Answer] = []
        slowest = 0.0
        for number, given in enumerate(inputs, 1):
            begun = time.monotonic()
            told = f"stopped answering after {len(rows)} of {len(inputs)} inputs"
            body = self._ask(b"R", number, given, b"O", self.patience_s, told, 4 * slowest)
            took = time.monotonic() - begun
            slowest = max(slowest, took)
            rows.append(self._answer(body, took, hello))
            self.progress("on the board", number, len(inputs))
        return tuple(rows), hello

    def _hello(self) -> _Hello:
        told = f"nothing answered for {self.start_s:g} s"
        body = self._ask(b"S", 0, b"", b"H", self.start_s, told, 0)
        if len(body) != _HELLO.size or body[0] != _VERSION:
            what = "the board speaks another version of the protocol"
            raise EdgePruneError(self.where, what, "flash it again: `edgeprune flash`")
        hello = _Hello(*_HELLO.unpack(body))
        found = Expected(hello.model, hello.input_bytes, hello.output_bytes)
        if found != self.expected:
            what = "another model than the folder's is on the board"
            raise EdgePruneError(self.where, what, "`edgeprune flash` puts it there")
        return hello

    def _answer(self, body: bytes, took: float, hello: _Hello) -> Answer:
        if len(body) != _COST.size + self.expected.output_bytes:
            raise EdgePruneError(self.where, f"answered {len(body)} bytes, not as its model does")
        ticks, stack = _COST.unpack(body[: _COST.size])
        wraps = hello.ticks_hz != 0 and took * hello.ticks_hz >= 2**hello.bits
        return Answer(body[_COST.size :], None if wraps else ticks, stack)

    def _ask(
        self,
        kind: bytes,
        number: int,
        body: bytes,
        wanted: bytes,
        patience_s: float,
        told: str,
        expected_s: float,
    ) -> bytes:
        """Ask, and ask again, until the answer comes; a question is answered only once."""
        question = frame(kind, self.session_id, number, body)
        there_and_back = 10 * 2 * (2 * len(question) + self.expected.output_bytes) / BAUD
        interval = _ASK_AGAIN_S + there_and_back + expected_s
        deadline = time.monotonic() + patience_s + there_and_back
        while (now := time.monotonic()) < deadline:
            self.port.write(question)
            for found, session, of, content in self._frames(min(now + interval, deadline)):
                if session != self.session_id:
                    continue
                if found == b"F":
                    text = content.decode("ascii", "replace").strip().removeprefix("FAIL ")
                    raise FirmwareError(self.where, f"on the board: {text}")
                if of == number and found == wanted:
                    return content
                if of == number and found == b"N":
                    raise _ResetError
            interval *= 2
        if kind == b"S":
            hint = "is it the board's port, and was `edgeprune flash` run?"
            raise EdgePruneError(self.where, told, hint)
        raise FirmwareError(self.where, f"{told}: {patience_s:g} s of silence")

    def _frames(self, until: float) -> Iterator[tuple[bytes, int, int, bytes]]:
        """Whole frames that come until a point in time."""
        while True:
            while (at := self.pending.find(_END)) >= 0:
                found = unframe(bytes(self.pending[:at]))
                del self.pending[: at + 1]
                if found is not None:
                    yield found
            if time.monotonic() >= until:
                return
            if len(self.pending) > _MOST_BYTES:
                self.pending.clear()
            self.pending += self.port.read(4096)
