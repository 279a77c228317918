"""A serial line that stays dead is not yet firmware that hangs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from edgeprune.target import load_target
from edgeprune.toolchain import emulator
from edgeprune.toolchain.watch import HungError

SAID = "DONE stack 40 inferences 1\n"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """How often the emulated AVR was started; it only answers the second time."""
    started: list[int] = []

    def converse(command: list[str], folder: Path, inferences: int, *, patience_s: float):  # type: ignore[no-untyped-def]
        started.append(inferences)
        if len(started) == 1:
            raise HungError
        return SAID, 0

    monkeypatch.setattr(emulator, "converse", converse)
    monkeypatch.setattr(emulator, "emulator_version", lambda program: "qemu 7.2")
    (tmp_path / "output.bin").write_bytes(b"")
    return started


def firmware(folder: Path) -> SimpleNamespace:
    return SimpleNamespace(target=load_target("avr"), elf=folder / "firmware.elf")


@pytest.mark.parametrize("output", [b"", b"\1"], ids=["from the start", "on the way"])
def test_a_line_that_goes_dead_is_tried_once_more(
    runs: list[int], tmp_path: Path, output: bytes
) -> None:
    (tmp_path / "output.bin").write_bytes(output)
    outcome = emulator.emulate(firmware(tmp_path), tmp_path, 1, (), patience_s=1)  # type: ignore[arg-type]
    assert outcome == emulator.Outcome(40, 1)
    assert runs == [1, 1]


def test_firmware_that_falls_silent_twice_hangs(
    runs: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(command: list[str], folder: Path, inferences: int, *, patience_s: float) -> None:
        runs.append(inferences)
        raise HungError

    monkeypatch.setattr(emulator, "converse", silent)
    (tmp_path / "output.bin").write_bytes(b"\1")
    with pytest.raises(emulator.FirmwareError, match="hangs"):
        emulator.emulate(firmware(tmp_path), tmp_path, 1, (), patience_s=1)  # type: ignore[arg-type]
    assert runs == [1, 1]
