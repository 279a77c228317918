"""Without cross compiler and emulator the build still works, and says what it did not do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgeprune.toolchain import compiler, emulator
from tests.e2e.conftest import Command, report_of


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has the host's gcc and nothing else."""
    which: Callable[..., str | None] = shutil.which

    def only_the_host(name: str, *args: object, **named: object) -> str | None:
        return None if "-elf-" in name or "-eabi-" in name or "qemu" in name else which(name)

    monkeypatch.setattr(shutil, "which", only_the_host)
    compiler._find.cache_clear()
    emulator.emulator_version.cache_clear()
    yield  # type: ignore[misc]
    compiler._find.cache_clear()
    emulator.emulator_version.cache_clear()


@pytest.mark.needs("arm-none-eabi-gcc")
def test_sizes_are_estimated_and_said_to_be(
    edgeprune: Command, tmp_path: Path, no_tools: None, request: pytest.FixtureRequest
) -> None:
    done = edgeprune("build", "--budget", "16KB", "--dtype", "int8", "-o", tmp_path / "guess")
    assert done.status == 0, done.err
    assert "estimated" in done.err
    r = report_of(tmp_path / "guess")
    assert r["size"]["measured"] is False
    assert r["size"]["flash_bytes"] <= 16384
    assert r["run"]["instructions"] is None
    assert r["agreement"]["target_vs_host_mismatches"] is None
    assert r["agreement"]["c_vs_tflite_mismatches"] == 0
    # what was estimated is close to what linking gives, where that is possible
    request.getfixturevalue("monkeypatch").undo()
    compiler._find.cache_clear()
    from edgeprune.target import load_target
    from edgeprune.toolchain.size import measure

    plain = replace(load_target("cortex-m4"), kernels=("portable",))
    real = measure(tmp_path / "guess" / "c", plain, optimize="size")
    assert abs(real.flash_bytes - r["size"]["flash_bytes"]) < 800
