"""``edgeprune build``."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from edgeprune.cli import _options
from edgeprune.cli._console import console, out_json, telling
from edgeprune.cli._options import COUNT, EPOCHS, MS, PATH, SHARE

# Options that say how a build runs and what it tells, not what it makes.
_VALUES_OF_RUNS = frozenset({"--jobs", "--log"})
_FLAGS_OF_RUNS = frozenset({"-q", "--quiet", "-v", "--verbose", "--json"})


@click.command("build")
@_options.model
@_options.data
@_options.test
@click.option(
    "--random-data",
    is_flag=True,
    help="Where there are no samples: noise calibrates and ranks. To try things out.",
)
@click.option(
    "--state",
    multiple=True,
    metavar="IN:OUT",
    help="Keep this output from call to call as that input; more than one: repeat.",
)
@click.option(
    "--stream",
    is_flag=True,
    help="Of a network over a window of frames, one that takes the new frames of each call.",
)
@click.option(
    "--frontend",
    type=PATH,
    help="A .tflite of TFLM's signal operators, put in front: the network takes samples of sound.",
)
@click.option("--hop", type=COUNT, help="Samples from one frame of --frontend to the next: 160.")
@_options.mean
@_options.std
@click.option("--budget", "--flash", help="Bytes of flash (phones: of the file): 64KB.")
@click.option("--ram", help="Bytes of RAM.")
@click.option("--max-ms", type=MS, help="Milliseconds per inference, by the model of the board.")
@click.option("--speedup", help="Phones: times as fast under XNNPACK, measured here: 2x.")
@click.option("--max-instructions", type=COUNT, help="Instructions per inference.")
@click.option("--max-macs", type=COUNT, help="Multiply-accumulates per inference.")
@click.option("--max-neurons", type=COUNT, help="Neurons and channels that stay.")
@click.option("--keep-ratio", type=SHARE, help="Share of the neurons that stays, 0 to 1.")
@click.option("--target", default="cortex-m4", show_default=True, help="See `edgeprune targets`.")
@_options.dtype
@_options.bits
@_options.criterion
@_options.schedule
@click.option("--min-accuracy", type=SHARE, help="Lowest accuracy on validation data, 0 to 1.")
@click.option("--max-drop", help="Largest loss of accuracy on validation data: 0.5pt.")
@click.option("--classes", help="Build the sub-network of these labels: 3,7.")
@click.option("--labels", help="Names of the classes: cat,dog, or a file with one a line.")
@_options.zeta("With --classes, where there is no limit.")
@click.option(
    "--emit", default="c,tflite,onnx", show_default=True, help="Artifacts to write; also ort, tflm."
)
@click.option("--package", "packages", help="Project files to write: arduino, cmake, ... or all.")
@click.option("--author", default="", help="Of the packages: Ada Lovelace <ada@...>.")
@click.option("--url", default="", help="Where the packages are found.")
@click.option(
    "--optimize",
    type=click.Choice(["auto", "size", "speed", "ram"]),
    default="auto",
    show_default=True,
    help="What kernels and C compiler optimise for; auto: size where bytes are limited; ram: as "
    "speed, and layers run row by row where that takes less memory.",
)
@click.option("--finetune", type=EPOCHS, default=0, help="Epochs of training after pruning.")
@click.option("--augment", is_flag=True, help="With --finetune: shift and mirror the images.")
@click.option("--device", default="cpu", show_default=True, help="Where fine-tuning runs.")
@click.option("--jobs", type=COUNT, default=os.cpu_count(), help="Parallel workers; all cores.")
@_options.seed
@click.option(
    "--log", type=PATH, envvar="EDGEPRUNE_LOG", show_envvar=True, help="Add it to this record."
)
@_options.as_json
@_options.out("build")
def command(as_json: bool, **given: Any) -> None:
    """Prune MODEL until it fits, compile it, prove that all artifacts agree.

    Without MODEL: the network that comes with the package (MNIST, 784-100-10), with its data.
    """
    from edgeprune.pipeline.options import BuildOptions

    options = BuildOptions.of(**given, command=_command_line())

    from edgeprune.pipeline.build import build
    from edgeprune.pipeline.room import room
    from edgeprune.report.terminal import show_report
    from edgeprune.target import load_target

    terminal = console()
    given_room = room(options, load_target(options.target))
    for limit, what in ((given_room.flash, given_room.bound), (given_room.ram, "RAM")):
        if limit is not None:
            terminal.print(f"budget: {limit:,} bytes of {what}")
    if options.max_ms is not None:
        terminal.print(f"budget: {options.max_ms:g} ms an inference")
    with telling(terminal) as progress:
        built = build(options, progress)
    for note in built.notes:
        terminal.print(f"note: {note}")
    show_report(built.report, terminal, str(options.out / "report.html"))
    if as_json:
        out_json(built.report)


def _command_line() -> str:
    """The command as it was typed, without folders and without how it runs.

    Artifacts carry it: they are the same bytes for any number of workers.
    """
    words = [_without_folders(word) for word in _of_what_is_made(sys.argv[1:])]
    return shlex.join(["edgeprune", *words])


def _of_what_is_made(words: list[str]) -> Iterator[str]:
    """The words but for options that say how a build runs, and their values."""
    rest = iter(words)
    for word in rest:
        name, given, _ = word.partition("=")
        if name in _VALUES_OF_RUNS:
            if not given:
                next(rest, None)
        elif word not in _FLAGS_OF_RUNS:
            yield word


def _without_folders(word: str) -> str:
    """A word whose absolute path, alone or behind its option, is a name."""
    option = re.match(r"--[\w-]+=|-\w|", word)
    assert option is not None
    path = word[option.end() :]
    return option.group() + Path(path).name if os.path.isabs(path) else word
