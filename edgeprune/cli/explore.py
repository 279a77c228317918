"""``edgeprune explore``."""

from __future__ import annotations

from typing import Any

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling
from edgeprune.errors import EdgePruneError


@click.command("explore")
@_options.exploring("explore")
@click.option(
    "--levels", default="10:90:10", show_default=True, help="Percent of flash saved, or sizes."
)
@click.option("--target", default="cortex-m4", show_default=True, help="For what.")
@click.option("--ram", help="Bytes of RAM that none may exceed.")
@_options.dtype
@_options.bits
@_options.criterion
@_options.schedule
@click.option("--labels", help="Names of the classes: cat,dog, or a file with one a line.")
@click.option(
    "--serve",
    is_flag=True,
    help="Then serve the page to this machine's browser, with a button "
    "that builds what it shows; Ctrl-C ends it.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="For --serve; 0: any that is free.",
)
def command(
    as_json: bool,
    levels: str,
    serve: bool,
    port: int,
    **given: Any,
) -> None:
    """Build MODEL at many sizes, and write a page to choose one on.

    The page is one file for a browser: limits of flash, RAM and milliseconds are moved, and the
    best network within them is shown, with its accuracy, classes, widths, bits, boards and sample
    answers, and with the command that builds it.
    """
    from edgeprune.pipeline.frontier import explore_model
    from edgeprune.pipeline.options import BuildOptions
    from edgeprune.pipeline.serve import check_port
    from edgeprune.pipeline.serve import serve as serve_page
    from edgeprune.pipeline.values import parse_levels

    if port and not serve:
        raise EdgePruneError("--port", "nothing is served", "add --serve")
    check_port(port)
    values, of = parse_levels(levels)
    terminal = console()
    options = BuildOptions.of(**given)
    with telling(terminal) as progress:
        found = explore_model(options, levels=values, of=of, progress=progress)
    for p in found["points"]:
        time = "" if p["ms"] is None else f"{p['ms']:>8.3g} ms"
        terminal.print(
            f"{p['dtype']:>8} {p['flash_bytes']:>11,} bytes of {found['bound']} "
            f"{p['ram_bytes']:>9,} of RAM{time}: {100 * p['accuracy']:.2f} %"
        )
    terminal.print(f"see {given['out'] / 'explore.html'}", soft_wrap=True)
    if as_json:
        out_json(found)
    if not serve:
        return

    def tell(address: str) -> None:  # also where it is to be quiet: nobody could guess it
        click.echo(f"choose and build on {address} (Ctrl-C ends it)", err=True)

    serve_page(options, found, port=port, tell=tell)
