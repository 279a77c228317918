"""The self-test through a debug probe: an emulated core, whose memory a stand-in for pyocd reads.

No probe was ever plugged in. The stand-in has the names that we use of pyocd; memory is read and
written while the core runs, as a probe does it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from toolchain.tiny import NEEDS_ARM, TINY, Variant, expected, on

from edgeprune.errors import EdgePruneError
from edgeprune.target import load_target
from edgeprune.toolchain import rtt
from edgeprune.toolchain.cmodel import read_model
from edgeprune.toolchain.emulator import FirmwareError
from edgeprune.toolchain.firmware import build_serial
from edgeprune.toolchain.rtt import ID, Line
from edgeprune.verify import probe
from edgeprune.verify.run_serial import run

CORES = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m55")
STARTS_S = 10.0


class QTest:
    """An emulated core's memory, by QEMU's protocol for tests."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.writes = 0

    def read_memory_block8(self, addr: int, size: int) -> list[int]:
        return list(bytes.fromhex(self._ask(f"read {addr:#x} {size:#x}")[2:]))

    def write_memory_block8(self, addr: int, data: list[int]) -> None:
        self.writes += 1
        self._ask(f"write {addr:#x} {len(data):#x} 0x{bytes(data).hex()}")

    def _ask(self, line: str) -> str:
        self.stream.write(f"{line}\n")
        self.stream.flush()
        word, _, rest = self.stream.readline().strip().partition(" ")
        assert word == "OK", (line, word, rest)
        return str(rest)


@contextmanager
def running(folder: Path, core: str) -> Iterator[QTest]:
    """An emulated core with the self-test of a folder."""
    target = load_target(core)
    firmware, emulator = build_serial(read_model(folder), target, probe=True), target.emulator
    assert emulator is not None
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        waiting.settimeout(STARTS_S)
        port = waiting.getsockname()[1]
        qtest = ["-accel", "tcg", "-qtest", f"tcp:127.0.0.1:{port}", "-qtest-log", "/dev/null"]
        quiet = ["-display", "none", "-monitor", "none", "-serial", "null"]
        machine = [emulator.program, "-M", emulator.machine, *emulator.arguments]
        process = subprocess.Popen(
            [*machine, *quiet, *qtest, "-kernel", str(firmware.elf)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            connection, _ = waiting.accept()
            with connection, connection.makefile("rw") as stream:
                yield QTest(stream)
        finally:
            process.kill()
            process.wait()


Plug = Callable[..., None]


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Makes pyocd find probes; the first is at a core."""

    class Error(Exception):
        pass

    class Session:
        def __init__(self, found: Any, *, options: dict[str, Any]) -> None:
            assert options["connect_mode"] == "attach", "the core goes on"
            assert options["no_config"], "nothing is read from where one stands"
            assert options["user_script"] == os.devnull, "nor run"
            self.target = found.target

        def __enter__(self) -> Session:
            if isinstance(self.target, str):
                raise Error(self.target)
            return self

        def __exit__(self, *_: object) -> None:
            pass

    def make(*targets: Any) -> None:
        probes = [
            SimpleNamespace(unique_id=f"06{i}ABC", target=target)
            for i, target in enumerate(targets)
        ]
        helper = SimpleNamespace(get_all_connected_probes=lambda *, blocking: probes)
        for name, content in {
            "pyocd": {},
            "pyocd.core": {},
            "pyocd.core.helpers": {"ConnectHelper": helper},
            "pyocd.core.session": {"Session": Session},
            "pyocd.core.exceptions": {"Error": Error},
        }.items():
            module = ModuleType(name)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, name, module)

    return make


@on(CORES)
def test_a_board_behind_a_probe_gives_the_models_outputs(
    core: str, inputs: np.ndarray, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = load_target(core).emulator
    assert emulator is not None
    monkeypatch.setattr(probe, "RAM", (emulator.ram_origin, 1 << 16))
    with running(TINY, core) as memory:
        plug(memory, "another")
        found = run(TINY, "probe:060", inputs)
    np.testing.assert_array_equal(found.outputs, expected(inputs))
    assert found.stack_bytes is not None
    assert found.cycles is not None


@NEEDS_ARM
def test_a_fault_of_the_model_behind_a_probe_is_told(
    variant: Variant, inputs: np.ndarray, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = variant("((volatile uint8_t *)arena)[arena_bytes] = 1;")
    emulator = load_target("cortex-m4").emulator
    assert emulator is not None
    monkeypatch.setattr(probe, "RAM", (emulator.ram_origin, 1 << 16))
    with running(folder, "cortex-m4") as memory:
        plug(memory)
        with pytest.raises(FirmwareError, match="arena overrun"):
            run(folder, "probe", inputs)


class Bytes:
    """Memory without a core."""

    def __init__(self, content: bytes) -> None:
        self.content = bytearray(content)

    def read_memory_block8(self, addr: int, size: int) -> list[int]:
        return list(self.content[addr : addr + size].ljust(size, b"\0"))

    def write_memory_block8(self, addr: int, data: list[int]) -> None:
        self.content[addr : addr + len(data)] = bytes(data)


def rings(*, ups: int = 1, downs: int = 1, size: int = 8, at: int = 4) -> Bytes:
    block = ID + b"".join(v.to_bytes(4, "little") for v in (ups, downs))
    for start in (200, 220):
        words = (0, start, size, 0, 0, 0)
        block += b"".join(v.to_bytes(4, "little") for v in words)
    return Bytes((bytes(at) + block).ljust(240, b"\0"))


@pytest.mark.parametrize("at", [0, 4, 1020])
def test_rings_are_found_wherever_they_lie_and_wrap(at: int) -> None:
    memory = rings(at=at)
    memory.content = memory.content.ljust(2048, b"\0")
    line = Line(memory, (0, 2048), "probe")
    up, down = at + 24, at + 48
    line.write(b"abcde")
    assert memory.content[220:225] == b"abcde"
    memory.content[down + 16] = 5  # the core has read them
    line.write(b"fghi")
    assert bytes(memory.content[220:228]) == b"ibcdefgh"
    memory.content[200:208] = b"yz12uvwx"
    memory.content[up + 12], memory.content[up + 16] = 2, 6
    assert line.read(99) + line.read(99) == b"wxyz"
    assert line.read(99) == b""


def test_offsets_of_a_core_that_is_being_reset_are_nothing_to_read() -> None:
    memory = rings()
    line = Line(memory, (0, 240), "probe")
    memory.content[4 + 24 + 12 : 4 + 24 + 20] = bytes(range(200, 208))
    assert line.read(9) == b""


def test_a_board_that_has_just_begun_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    late = Bytes(bytes(240))

    def begin(_: float) -> None:
        late.content = rings().content

    monkeypatch.setattr(rtt.time, "sleep", begin)
    Line(late, (0, 240), "probe")


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        (Bytes(bytes(240)), "no self-test"),
        (rings(ups=0), "0 rings up"),
        (rings(ups=1 << 20), "rings up"),
        (rings(size=0), "ring of 0 bytes"),
        (rings(size=1 << 30), "ring of 1,073"),
    ],
    ids=["nothing there", "no ring", "too many", "empty", "huge"],
)
def test_memory_that_holds_no_rings_is_one_message(
    memory: Bytes, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtt, "START_S", 0.01)
    with pytest.raises(EdgePruneError, match=told):
        Line(memory, (0, 240), "probe")


@pytest.mark.parametrize(
    ("targets", "on_", "told"),
    [
        ((), "probe", "no debug probe is plugged in"),
        (("a", "b"), "probe", "2 of 2 debug probes is meant: 060ABC, 061ABC"),
        (("a", "b"), "probe:07", "none of 2 debug probes"),
        (("no power",), "probe", "the probe fails: no power"),
    ],
    ids=["none", "two", "another", "off"],
)
def test_what_a_probe_lacks_is_one_message(
    targets: tuple[str, ...], on_: str, told: str, inputs: np.ndarray, plug: Plug
) -> None:
    plug(*targets)
    with pytest.raises(EdgePruneError, match=told) as caught:
        run(TINY, on_, inputs)
    assert caught.value.exit_status == 2


def test_without_pyocd_a_probe_says_what_to_install(
    inputs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyocd.core.helpers", None)
    with pytest.raises(EdgePruneError, match="not installed") as caught:
        run(TINY, "probe", inputs)
    assert "pip install pyocd" in caught.value.hint
