"""``edgeprune targets``."""

from __future__ import annotations

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json


@click.command("targets")
@_options.as_json
def command(as_json: bool) -> None:
    """List what can be built for."""
    from rich.table import Table

    from edgeprune.target import list_targets, load_target

    rows = [load_target(name) for name in list_targets()]
    if as_json:
        out_json(
            [
                {
                    "name": t.name,
                    "title": t.title,
                    "kind": t.kind,
                    "core": t.core or None,
                    "kernels": list(t.kernels),
                    "clock_hz": t.clock_hz,
                    "flash_bytes": t.flash_bytes,
                    "ram_bytes": t.ram_bytes,
                    "reserved_flash_bytes": t.reserved_flash_bytes,
                    "reserved_ram_bytes": t.reserved_ram_bytes,
                    "emulated": t.emulator.title if t.emulator is not None else None,
                    "sources": dict(t.sources),
                }
                for t in rows
            ]
        )
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("name", "what", "flash", "RAM", "emulated by"):
        table.add_column(name)
    for t in rows:
        table.add_row(
            t.name,
            t.title,
            f"{t.flash_bytes:,}" if t.flash_bytes else "",
            f"{t.ram_bytes:,}" if t.ram_bytes else "",
            t.emulator.title if t.emulator is not None else "",
        )
    console().print(table)
