"""The self-test over a serial line, against emulated boards: right answers or a message."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import tty
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toolchain.boards import Board, of, plugged_in
from toolchain.tiny import NEEDS_ARM, OTHERS, TINY, Variant, expected, on

from edgeprune.emit.packages.sketch import sketch
from edgeprune.errors import EdgePruneError
from edgeprune.resources import firmware_dir
from edgeprune.toolchain import line
from edgeprune.toolchain.cmodel import read_model
from edgeprune.toolchain.emulator import FirmwareError
from edgeprune.toolchain.firmware import model_id
from edgeprune.verify.run_serial import run
from tests.emit.packages import arduino_sketch

CORES = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m55", "rv32imc", "avr")


@on(CORES)
def test_a_board_gives_the_models_outputs_and_its_stack(core: str, inputs: np.ndarray) -> None:
    with plugged_in(of(TINY, core)) as board:
        found = run(TINY, f"serial:{board.device}", inputs)
    np.testing.assert_array_equal(found.outputs, expected(inputs))
    assert found.stack_bytes is not None
    assert found.resets == 0


@pytest.mark.parametrize(
    "board_name",
    [
        pytest.param("nucleo-f446re", marks=NEEDS_ARM),
        pytest.param("arduino-uno", marks=OTHERS["avr"]),
        pytest.param("arduino-mega-2560", marks=OTHERS["avr"]),
    ],
)
def test_a_boards_own_firmware_runs_on_a_machine_of_its_family(
    board_name: str, inputs: np.ndarray
) -> None:
    with plugged_in(of(TINY, board_name)) as board:
        found = run(TINY, f"serial:{board.device}", inputs)
    np.testing.assert_array_equal(found.outputs, expected(inputs))
    assert found.clock_hz == 16_000_000, "where the PLL does not start, and of an Arduino"


@pytest.mark.slow
@pytest.mark.needs("avr-gcc", "qemu-system-avr", "arduino-core-avr")
def test_the_sketch_for_arduino_cores_answers_like_our_own_firmware(
    tmp_path: Path, inputs: np.ndarray
) -> None:
    model, library = read_model(TINY), tmp_path / "arduino" / "src"
    library.mkdir(parents=True)
    files = sketch(model, model_id(model))
    main = files.pop("selftest.ino").decode()
    for name, content in files.items():
        (library / name).write_bytes(content)
    elf = arduino_sketch(library.parent, main, tmp_path)
    firmware = replace(of(TINY, "arduino-mega-2560"), elf=elf)
    with plugged_in(firmware) as board:
        found = run(TINY, f"serial:{board.device}", inputs)
    np.testing.assert_array_equal(found.outputs, expected(inputs))
    assert (found.stack_bytes, found.cycles) == (None, None)


@NEEDS_ARM
def test_a_fault_of_the_model_on_the_board_is_told(variant: Variant, inputs: np.ndarray) -> None:
    folder = variant("((volatile uint8_t *)arena)[arena_bytes] = 1;")
    with (
        plugged_in(of(folder, "cortex-m4")) as board,
        pytest.raises(FirmwareError, match="arena overrun"),
    ):
        run(folder, f"serial:{board.device}", inputs)


@NEEDS_ARM
def test_another_model_on_the_board_is_refused(variant: Variant, inputs: np.ndarray) -> None:
    folder = variant("arena_bytes += 0;")
    with (
        plugged_in(of(folder, "cortex-m4")) as board,
        pytest.raises(EdgePruneError, match="another model") as caught,
    ):
        run(TINY, f"serial:{board.device}", inputs)
    assert "edgeprune flash" in caught.value.hint


@NEEDS_ARM
def test_an_answer_that_is_lost_is_sent_again_and_not_computed_again(
    variant: Variant, inputs: np.ndarray
) -> None:
    folder = variant("output[0] = (int8_t)++runs; return EP_OK;", declarations="static int runs;")
    answers = 0
    was_end = False

    def lose_first_answer(data: bytes, board: Board) -> bytes:
        nonlocal answers, was_end
        kept = bytearray()
        for byte in data:
            if board.upwards:
                answers += was_end and byte == ord("O")
                was_end = byte == 0xC0
            if not board.upwards or answers != 1:
                kept.append(byte)
        return bytes(kept)

    with plugged_in(of(folder, "cortex-m4"), lose_first_answer) as board:
        found = run(folder, f"serial:{board.device}", inputs[:4])
    assert answers > 4, "what was lost was an answer, and it came again"
    assert found.outputs[:, 0].tolist() == [1, 2, 3, 4]


class Scripted:
    """A board that answers at once; what it sends before is up to the test."""

    def __init__(self, before: Callable[[bytes, int, int], bytes]) -> None:
        self.before = before
        self.sent = b""

    def write(self, data: bytes) -> None:
        asked = line.unframe(data.strip(b"\xc0"))
        assert asked is not None
        kind, session, number, _ = asked
        body = line._HELLO.pack(line._VERSION, 1, 1, 1, 1000, 0, 32)
        if kind == b"R":
            body = line._COST.pack(5, 40) + bytes([number])
        answer = {b"S": b"H", b"R": b"O"}[kind]
        self.sent += self.before(kind, session, number) + line.frame(answer, session, number, body)

    def read(self, size: int) -> bytes:
        sent, self.sent = self.sent, b""
        return sent


@pytest.mark.parametrize("kind", [b"O", b"F", b"N"])
def test_what_is_left_of_another_session_is_no_answer_to_this_one(kind: bytes) -> None:
    def stale(asked: bytes, session: int, number: int) -> bytes:
        body = line._COST.pack(5, 40) + b"\x63"
        return line.frame(kind, session ^ 1, number, body) if asked == b"R" else b""

    port = Scripted(stale)
    found = line.converse(port, line.Expected(1, 1, 1), [b"a", b"b"], "x")
    assert [row.output for row in found.rows] == [b"\x01", b"\x02"]
    assert found.resets == 0


@pytest.mark.parametrize("off", [0, 4], ids=["another clock", "only the core's clock"])
@pytest.mark.parametrize("traced", [False, True], ids=["SysTick", "DWT"])
def test_the_clock_of_a_cortex_m_counts_whatever_systick_reads_as_when_off(
    tmp_path: Path, off: int, traced: bool
) -> None:
    source = (firmware_dir() / "clock_cortex_m.c").read_text()
    registers = "(*(volatile uint32_t *)(address))"
    assert source.count(registers) == 1
    source = source.replace(registers, "(*ep_register(address))")
    (tmp_path / "clock.c").write_text(
        f"""#include <stdint.h>
static volatile uint32_t csr = {off}, rvr, cvr, cycles, other;
static volatile uint32_t *ep_register(uint32_t address)
{{
    cycles += {3 if traced else 0};
    cvr -= csr & 1u;
    switch (address) {{
    case 0xE000E010u: return &csr;
    case 0xE000E014u: return &rvr;
    case 0xE000E018u: return &cvr;
    case 0xE0001004u: return &cycles;
    default: return &other;
    }}
}}
uint32_t ep_core_hz(void) {{ return 0; }}
{source}
uint32_t systick(void) {{ return csr; }}
void advance(uint32_t ticks) {{ cycles += ticks; cvr -= ticks; }}
"""
    )
    built = tmp_path / "clock.so"
    arch = "-D__ARM_ARCH=7" if traced else "-D__ARM_ARCH=6"
    headers = f"-I{firmware_dir()}"
    options = ("-shared", "-fPIC", "-O1", arch, headers, "-o", str(built))
    subprocess.run(["gcc", *options, str(tmp_path / "clock.c")], check=True)
    clock = ctypes.CDLL(str(built))
    clock.ep_clock_stop.restype = ctypes.c_uint64
    clock.ep_clock_start()
    assert clock.systick() == (off if traced else 7)
    clock.advance(1000)
    assert 1000 <= clock.ep_clock_stop() < 1020


@NEEDS_ARM
def test_every_run_begins_with_the_state_of_the_first_call(
    variant: Variant, inputs: np.ndarray
) -> None:
    folder = variant("output[0] = (int8_t)++state->calls; return EP_OK;")
    for name in ("tiny.h", "tiny.c"):
        text = (folder / name).read_text()
        text = text.replace("tiny_run(void", "tiny_run(tiny_state *state, void")
        text = text.replace(
            "#define TINY_ARENA",
            "typedef struct { int32_t calls; } tiny_state;\n"
            "static inline void tiny_reset(tiny_state *state) { state->calls = 0; }\n"
            "#define TINY_ARENA",
        )
        (folder / name).write_text(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "state_bytes": 4}))
    with plugged_in(of(folder, "cortex-m4")) as board:
        for _ in range(2):
            found = run(folder, f"serial:{board.device}", inputs[:3])
            assert found.outputs[:, 0].tolist() == [1, 2, 3]


def test_a_port_that_is_not_there_is_one_message(inputs: np.ndarray) -> None:
    with pytest.raises(EdgePruneError, match="serial:/dev/nothing") as caught:
        run(TINY, "serial:/dev/nothing", inputs)
    assert caught.value.exit_status == 2


def test_a_board_that_never_answers_is_one_message(inputs: np.ndarray) -> None:
    ends = os.openpty()
    tty.setraw(ends[1])
    try:
        with pytest.raises(EdgePruneError, match="nothing answered") as caught:
            run(TINY, f"serial:{os.ttyname(ends[1])}", inputs, start_s=0.3)
    finally:
        for end in ends:
            os.close(end)
    assert "edgeprune flash" in caught.value.hint


@pytest.mark.parametrize("body", [b"", b"\xc0\xdb\xdc\xdd" * 3, bytes(range(256))])
def test_a_frame_comes_out_as_it_went_in_or_not_at_all(body: bytes) -> None:
    sent = line.frame(b"R", 0xC0DB, 7, body)
    assert sent[:1] == sent[-1:] == b"\xc0"
    assert b"\xc0" not in sent[1:-1]
    assert line.unframe(sent[1:-1]) == (b"R", 0xC0DB, 7, body)
    for at in range(1, len(sent) - 1):
        for damaged in (sent[1:at] + sent[at + 1 : -1], _flipped(sent, at)[1:-1]):
            assert line.unframe(damaged) in (None, (b"R", 0xC0DB, 7, body))


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


def test_a_clock_that_wrapped_says_no_time() -> None:
    talk = line._Talk(None, line.Expected(1, 1, 1), "x", 1, 1, lambda *a: None)  # type: ignore[arg-type]
    hello = line._Hello(1, 1, 1, 1, ticks_hz=15625, core_hz=16_000_000, bits=16)
    body = line._COST.pack(77, 40) + b"a"
    assert talk._answer(body, 1.0, hello) == line.Answer(b"a", 77, 40)
    assert talk._answer(body, 5.0, hello) == line.Answer(b"a", None, 40)


def test_the_protocol_in_c_has_the_numbers_of_the_one_in_python() -> None:
    text = Path(firmware_dir() / "serial.c").read_text()
    assert f"VERSION = {line._VERSION}" in text
    assert f"HEAD_BYTES = {line._HEAD.size}" in text
    assert f"EP_BAUD {line.BAUD}u" in (firmware_dir() / "ep_serial.h").read_text()
