"""What programs are started with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeprune.toolchain import process
from edgeprune.toolchain.process import limited


def test_paths_are_no_options_and_no_lists_of_options_whatever_their_names() -> None:
    words = [Path("-x"), Path("@x"), Path("/a/-x"), Path("a b"), "-o", "@list"]
    assert limited(words)[-6:] == ["./-x", "./@x", "/a/-x", "a b", "-o", "@list"]


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux keeps files in memory")
def test_what_a_program_prints_needs_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "workspace", lambda: tmp_path / "no room")
    command = ["sh", "-c", "seq 100000; echo wrong >&2; exit 3"]
    status, printed = process.run_limited(command, "here", seconds=60)
    assert status == 3
    assert printed == "".join(f"{k}\n" for k in range(1, 100001)) + "wrong\n"


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="Linux keeps files in memory")
def test_what_a_program_prints_is_kept_on_disk_where_memory_is_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(name: str) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "memfd_create", never)
    monkeypatch.setattr(process, "workspace", lambda: tmp_path)
    assert process.run_limited(["echo", "seen"], "echo", seconds=20) == (0, "seen\n")
