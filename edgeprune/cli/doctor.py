"""``edgeprune doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json

if TYPE_CHECKING:
    from edgeprune.toolchain.doctor import Finding


@click.command("doctor")
@_options.as_json
def command(as_json: bool) -> None:
    """Say what is installed, and what each missing piece costs."""
    from rich.padding import Padding
    from rich.text import Text

    from edgeprune.toolchain.doctor import diagnose

    findings = diagnose()
    if as_json:
        out_json(
            [
                {
                    "name": f.name,
                    "kind": f.kind,
                    "version": f.version,
                    "here": f.is_here,
                    "without": f.without,
                    "install": f.install,
                }
                for f in findings
            ]
        )
        return
    terminal = console()
    shown: dict[str, list[Finding]] = {}
    for f in findings:  # a tool may be a program and a package
        shown.setdefault(f.name, []).append(f)
    for name, uses in shown.items():
        is_here, version = uses[0].is_here, uses[0].version or ""
        mark = Text("ok     ", "green") if is_here else Text("missing", "yellow")
        terminal.print(Text.assemble(mark, f" {name} {version}".rstrip()))
        missing = [f for f in uses if not f.is_here]
        lines = [f"without it: {f.without}" for f in missing]
        for line in [*lines, *dict.fromkeys(f"install: {f.install}" for f in missing)]:
            terminal.print(Padding(Text(line), (0, 0, 0, 10)))
