"""``edgeprune doctor``."""

from __future__ import annotations

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json


@click.command("doctor")
@_options.as_json
def command(as_json: bool) -> None:
    """Say what is installed, and what each missing piece costs."""
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
    for f in findings:
        mark = Text("ok     ", "green") if f.is_here else Text("missing", "yellow")
        terminal.print(mark, f"{f.name} {f.version or ''}")
        if not f.is_here:
            terminal.print(f"          without it: {f.without}")
            terminal.print(f"          install: {f.install}")
