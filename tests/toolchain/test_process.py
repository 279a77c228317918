"""What programs are started with."""

from __future__ import annotations

from pathlib import Path

from edgeprune.toolchain.process import limited


def test_paths_are_no_options_and_no_lists_of_options_whatever_their_names() -> None:
    words = [Path("-x"), Path("@x"), Path("/a/-x"), Path("a b"), "-o", "@list"]
    assert limited(words)[-6:] == ["./-x", "./@x", "/a/-x", "a b", "-o", "@list"]
