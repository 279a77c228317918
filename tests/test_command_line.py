"""Artifacts carry the command that makes them again, whatever way it ran."""

from __future__ import annotations

import sys

import pytest

from edgeprune.cli.build import _command_line


@pytest.mark.parametrize(
    "how", [["--jobs", "3"], ["--jobs=3"], ["-q"], ["--verbose"], ["--json"], ["--log", "r.jsonl"]]
)
def test_how_a_build_runs_is_left_out_of_its_command(
    how: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["build", "m.tflite", *how, "--flash", "16k", "-o", "out"]
    monkeypatch.setattr(sys, "argv", ["edgeprune", *words])
    assert _command_line() == "edgeprune build m.tflite --flash 16k -o out"
