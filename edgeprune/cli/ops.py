"""``edgeprune ops``."""

from __future__ import annotations

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json


@click.command("ops")
@_options.as_json
def command(as_json: bool) -> None:
    """List the operators that can be compiled, and to what."""
    from dataclasses import asdict

    from rich.table import Table

    from edgeprune.pipeline.support import support_table

    rows = support_table()
    if as_json:
        out_json([asdict(row) for row in rows])
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("operator", "C", "TFLite", "ONNX", "what"):
        table.add_column(name)
    for row in rows:
        cells = [", ".join(row.formats[f]) or "-" for f in ("c", "tflite", "onnx")]
        table.add_row(row.op, *cells, row.what)
    console().print(table)
