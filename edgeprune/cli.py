"""Arguments to pipeline to exit status. The only file that prints.

Everything heavy is imported inside the commands, so that ``edgeprune --help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from edgeprune import __version__
from edgeprune.errors import EdgePruneError
from edgeprune.progress import Progress, silent

INTERRUPTED = 130


class _Group(click.Group):
    """A group whose errors are one message and the contract's exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EdgePruneError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_status)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted; nothing was written", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the reader went away
            ctx.exit(0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgeprune")
def app() -> None:
    """Make a trained network fit a microcontroller: prune, quantise, compile, verify.

    Human output goes to stderr, machine output (--json) to stdout.
    """


def main() -> None:
    """Entry point of the command."""
    app(prog_name="edgeprune")


def _console() -> Any:
    from rich.console import Console

    width = None if sys.stderr.isatty() else 110
    return Console(stderr=True, width=width)


@contextmanager
def _bars(console: Any) -> Iterator[Progress]:
    """Progress bars, on a terminal only."""
    if not console.is_terminal:
        yield silent
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield tell


def _out_json(value: object) -> None:
    click.echo(json.dumps(value, indent=1, allow_nan=False))


def _classes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise EdgePruneError("--classes", f"{text!r} is no list of labels", "such as 3,7") from None


COUNT, EPOCHS, SHARE = click.IntRange(1), click.IntRange(0), click.FloatRange(0, 1)


@app.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="Samples: .npz (x, y) or folder.")
@click.option("--test", type=click.Path(path_type=Path), help="Samples for reporting only.")
@click.option("--mean", help="The model wants (x - mean) / std of the samples: 0.485,0.456,0.406.")
@click.option("--std", help="See --mean; both become part of the model.")
@click.option("--budget", "--flash", help="Bytes of flash: 64KB, 64KiB, 65536.")
@click.option("--ram", help="Bytes of RAM.")
@click.option("--max-instructions", type=COUNT, help="Instructions per inference.")
@click.option("--max-macs", type=COUNT, help="Multiply-accumulates per inference.")
@click.option("--max-neurons", type=COUNT, help="Neurons and channels that stay.")
@click.option("--keep-ratio", type=SHARE, help="Share of the neurons that stays, 0 to 1.")
@click.option("--target", default="cortex-m4", show_default=True, help="See `edgeprune targets`.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "int8", "int16x8", "int4", "float32"]),
    default="auto",
    show_default=True,
    help="auto: what is more accurate on validation data within the budget.",
)
@click.option("--criterion", default="obs", show_default=True, help="How neurons rank.")
@click.option("--schedule", default="iterative", show_default=True, help="How neurons go.")
@click.option(
    "--min-accuracy",
    type=SHARE,
    help="Lowest accuracy on validation data, 0 to 1.",
)
@click.option("--max-drop", help="Largest loss of accuracy on validation data: 0.5pt.")
@click.option("--classes", help="Build the sub-network of these labels: 3,7.")
@click.option("--labels", help="Names of the classes: cat,dog, or a file with one a line.")
@click.option(
    "--zeta",
    type=click.FloatRange(0, 1),
    default=0.4,
    show_default=True,
    help="With --classes alone.",
)
@click.option(
    "--emit", default="c,tflite,onnx", show_default=True, help="Artifacts to write; also ort."
)
@click.option("--package", help="Project files to write: arduino, cmake, ... or all.")
@click.option(
    "--optimize",
    type=click.Choice(["auto", "size", "speed"]),
    default="auto",
    show_default=True,
    help="What kernels and C compiler optimise for; auto: size where there is a limit.",
)
@click.option("--finetune", type=EPOCHS, default=0, help="Epochs of training after pruning.")
@click.option("--augment", is_flag=True, help="With --finetune: shift and mirror the images.")
@click.option("--device", default="cpu", show_default=True, help="Where fine-tuning runs.")
@click.option("--jobs", type=COUNT, default=os.cpu_count(), help="Parallel workers; all cores.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of every random choice.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report to stdout.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("build"), show_default=True
)
def build(**given: Any) -> None:
    """Prune MODEL until it fits, compile it, prove that all artifacts agree.

    Without MODEL: the network that comes with the package (MNIST, 784-100-10), with its data.
    """
    from edgeprune.pipeline.options import (
        EMITTERS,
        BuildOptions,
        parse_drop,
        parse_labels,
        parse_numbers,
        parse_size,
    )

    emit = tuple(part.strip() for part in given["emit"].split(",") if part.strip())
    _refuse_unknown("--emit", emit, EMITTERS)
    sizes = {
        key: parse_size(given[key], f"--{key}") if given[key] is not None else None
        for key in ("budget", "ram")
    }
    options = BuildOptions(
        out=given["out"],
        model=given["model"],
        data=given["data"],
        test=given["test"],
        mean=parse_numbers(given["mean"], "--mean") if given["mean"] is not None else None,
        std=parse_numbers(given["std"], "--std") if given["std"] is not None else None,
        budget=sizes["budget"],
        ram=sizes["ram"],
        max_instructions=given["max_instructions"],
        max_macs=given["max_macs"],
        max_neurons=given["max_neurons"],
        keep_ratio=given["keep_ratio"],
        target=given["target"],
        dtype=given["dtype"],
        criterion=given["criterion"],
        schedule=given["schedule"],
        min_accuracy=given["min_accuracy"],
        max_drop=parse_drop(given["max_drop"]) if given["max_drop"] is not None else None,
        classes=_classes(given["classes"]),
        labels=parse_labels(given["labels"]) if given["labels"] is not None else (),
        zeta=given["zeta"],
        emit=emit,
        packages=_packages(given["package"]),
        optimize=given["optimize"],
        finetune=given["finetune"],
        augment=given["augment"],
        device=given["device"],
        jobs=given["jobs"],
        seed=given["seed"],
        command=_command_line(),
    )
    from edgeprune.pipeline.build import build as run_build
    from edgeprune.pipeline.choose import room
    from edgeprune.report.terminal import show_report
    from edgeprune.target import load_target

    console = _console()
    given_room = room(options, load_target(options.target))
    for limit, what in ((given_room.flash, "flash"), (given_room.ram, "RAM")):
        if limit is not None:
            console.print(f"budget: {limit:,} bytes of {what}", highlight=False)

    with _bars(console) as progress:
        built = run_build(options, progress)
    for note in built.notes:
        console.print(f"note: {note}", highlight=False)
    show_report(built.report, console, str(options.out))
    if given["as_json"]:
        _out_json(built.report)


def _packages(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    from edgeprune.emit.packages import PACKAGES

    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if names == ("all",):
        return tuple(PACKAGES)
    _refuse_unknown("--package", names, (*PACKAGES, "all"))
    return names


def _refuse_unknown(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Names that were given against those that there are."""
    wrong = [n for n in names if n not in known]
    if wrong or not names:
        what = f"there is no {', '.join(map(repr, wrong))}" if wrong else "names nothing"
        raise EdgePruneError(option, what, f"some of {', '.join(known)}")


def _command_line() -> str:
    """The command as it was typed, folders left out of it."""
    words = [Path(w).name if os.path.isabs(w) else w for w in sys.argv[1:]]
    return " ".join(["edgeprune", *words])


def _exploring(default_out: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The arguments that analyze, sweep and extract share."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        options = (
            click.argument("model", required=False, type=click.Path(path_type=Path)),
            click.option("--data", type=click.Path(path_type=Path), help="Samples: .npz, folder."),
            click.option("--test", type=click.Path(path_type=Path), help="For reporting only."),
            click.option("--seed", type=int, default=0, show_default=True),
            click.option("--json", "as_json", is_flag=True, help="Print the result to stdout."),
            click.option(
                "-o",
                "--out",
                type=click.Path(path_type=Path),
                default=Path(default_out),
                show_default=True,
            ),
        )
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@app.command()
@_exploring("analysis")
@click.option("--no-pictures", is_flag=True, help="Without error surfaces and activation maps.")
def analyze(no_pictures: bool, as_json: bool, **given: Any) -> None:
    """Take out every neuron of MODEL, one at a time, and see what it does.

    Writes analysis.json, neurons.csv and analysis.html.
    """
    from edgeprune.pipeline.explore import analyze_model
    from edgeprune.pipeline.options import BuildOptions

    console = _console()
    with _bars(console) as progress:
        found = analyze_model(BuildOptions(**given), pictures=not no_pictures, progress=progress)
    neurons = found["neurons"]
    harmful = sum(n["verdict"] == "harmful" for n in neurons)
    console.print(
        f"{len(neurons)} neurons; accuracy rises without "
        f"{sum(n['accuracy_change'] > 0 for n in neurons)} of them, beyond chance without {harmful}"
        f"; see {given['out'] / 'analysis.html'}",
        highlight=False,
    )
    if as_json:
        _out_json(found)


@app.command()
@_exploring("sweep")
@click.option("--levels", default="10:90:10", show_default=True, help="Percent removed, or sizes.")
@click.option("--criterion", "criteria", multiple=True, help="Several to compare them.")
@click.option("--schedule", default="iterative", show_default=True)
@click.option("--dtype", type=click.Choice(["auto", "int8", "float32"]), default="auto")
@click.option("--runs", type=COUNT, default=3, show_default=True, help="Seeds that are averaged.")
@click.option("--jobs", type=COUNT, default=1, show_default=True, help="Parallel workers.")
@click.option("--journal", type=click.Path(path_type=Path), help="Remembers finished runs.")
@click.option("--pareto", is_flag=True, help="Build every level, and find the frontier.")
@click.option("--target", default="cortex-m4", show_default=True, help="With --pareto: for what.")
@click.option("--ram", help="With --pareto: bytes of RAM that none may exceed.")
def sweep(as_json: bool, pareto: bool, ram: str | None, **given: Any) -> None:
    """Prune MODEL to many sizes, several times, and plot accuracy against size.

    --levels 10:90:10 (percent removed) or a list of sizes of the parameters: 8KB,16KB,32KB. With
    --pareto they are percent or bytes of the linked flash, every network is built and measured,
    and the frontier of accuracy against flash, RAM and multiply-accumulates is written.
    """
    from edgeprune.pipeline.options import BuildOptions, parse_levels, parse_size

    levels, of = parse_levels(given.pop("levels"))
    given["ram"] = None if ram is None else parse_size(ram, "--ram")
    runs, criteria = given.pop("runs"), given.pop("criteria") or ("obs",)
    journal, seed = given.pop("journal"), given["seed"]
    console = _console()
    with _bars(console) as progress:
        if pareto:
            if len(criteria) > 1:
                raise EdgePruneError("--criterion", "is one with --pareto", "name one")
            from edgeprune.pipeline.pareto import pareto_model

            options = BuildOptions(**given, criterion=criteria[0])
            found = pareto_model(options, levels=levels, of=of, progress=progress)
        else:
            from edgeprune.pipeline.explore import sweep_model

            found = sweep_model(
                BuildOptions(**given),
                levels=levels,
                of=of,
                criteria=criteria,
                seeds=range(seed, seed + runs),
                journal=journal,
                progress=progress,
            )
    for line in _frontier(found) if pareto else _trends(found):
        console.print(line, highlight=False)
    page = "pareto.html" if pareto else "sweep.html"
    console.print(f"see {given['out'] / page}", highlight=False)
    if as_json:
        _out_json(found)


def _trends(found: dict[str, Any]) -> list[str]:
    return [
        f"{t['criterion']:>14} {t['level']:>10g}: {100 * t['accuracy']:.2f} % "
        f"+- {100 * t['accuracy_std']:.2f}"
        for t in found["trends"]
    ]


def _frontier(found: dict[str, Any]) -> list[str]:
    return [
        f"{p['dtype']:>8} {p['flash_bytes']:>11,} bytes of flash {p['ram_bytes']:>9,} of RAM "
        f"{p['macs']:>13,} MACs: {100 * p['accuracy']:.2f} %"
        for p in sorted(found["points"], key=lambda p: -int(p["flash_bytes"]))
        if p["chosen"]
    ]


@app.command()
@_exploring("extract")
@click.option("--classes", help="Labels: 3,7; all where this is left out.")
@click.option(
    "--zeta",
    type=click.FloatRange(0, 1),
    default=0.4,
    show_default=True,
    help="Share of the maximum.",
)
@click.option("--floor", type=float, help="Search the zeta that keeps this balanced accuracy.")
def extract(as_json: bool, floor: float | None, **given: Any) -> None:
    """Find the sub-network of each label of MODEL, and of several together.

    Writes extract.json and extract.html. To get firmware: edgeprune build --classes 3.
    """
    from edgeprune.pipeline.explore import extract_model
    from edgeprune.pipeline.options import BuildOptions

    given["classes"] = _classes(given["classes"])
    console = _console()
    with _bars(console) as progress:
        found = extract_model(BuildOptions(**given), floor=floor, progress=progress)
    for row in found["labels"]:
        d = row["detector"]
        console.print(
            f"label {row['label']}: {row['neurons']} neurons, {row['parameters']:,} parameters; "
            f"detector: recall {100 * d['recall']:.2f} %, specificity "
            f"{100 * d['specificity']:.2f} %, balanced {100 * d['balanced_accuracy']:.2f} %",
            highlight=False,
        )
    last = found["cumulative"][-1]
    console.print(
        f"all together: {last['neurons']} neurons, {100 * last['accuracy']:.2f} % of all samples",
        highlight=False,
    )
    console.print(f"see {given['out'] / 'extract.html'}", highlight=False)
    if as_json:
        _out_json(found)


@app.command()
@_exploring("fit")
@click.option("--target", "targets", multiple=True, help="Several; all boards if left out.")
@click.option(
    "--dtype", type=click.Choice(["auto", "int8", "int16x8", "int4", "float32"]), default="auto"
)
@click.option("--criterion", default="obs", show_default=True, help="How neurons rank.")
@click.option("--schedule", default="iterative", show_default=True, help="How neurons go.")
@click.option(
    "--min-accuracy",
    type=SHARE,
    help="Lowest accuracy of a pruned network, 0 to 1.",
)
@click.option("--max-drop", help="Largest loss of accuracy of a pruned network: 0.5pt.")
@click.option("--mean", help="The model wants (x - mean) / std of the samples: 0.485,0.456,0.406.")
@click.option("--std", help="See --mean.")
def fit(as_json: bool, targets: tuple[str, ...], **given: Any) -> None:
    """Say which boards MODEL fits: as it is, after pruning and how well, or never, and why.

    Writes fit.json and fit.html. A board's room is its flash and RAM less what is reserved.
    """
    from edgeprune.pipeline.options import BuildOptions, parse_drop, parse_numbers
    from edgeprune.pipeline.survey import survey
    from edgeprune.report.terminal import show_survey

    for key in ("mean", "std"):
        given[key] = parse_numbers(given[key], f"--{key}") if given[key] is not None else None
    given["max_drop"] = parse_drop(given["max_drop"]) if given["max_drop"] is not None else None
    console = _console()
    with _bars(console) as progress:
        found = survey(BuildOptions(**given), targets, progress)
    show_survey(found, console)
    console.print(f"see {given['out'] / 'fit.html'}", highlight=False)
    if as_json:
        _out_json(found)


@app.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the checks to stdout.")
def verify(folder: Path, as_json: bool) -> None:
    """Check every artifact in FOLDER against the source model and against each other."""
    from edgeprune.pipeline.verify import verify as run_verify

    verdict = run_verify(folder)
    console = _console()
    for what, passed, detail in verdict.checks:
        mark = "[green]ok[/green]  " if passed else "[red]FAIL[/red]"
        console.print(f"{mark} {what}: {detail}", highlight=False)
    if as_json:
        _out_json(
            {
                "passed": verdict.passed,
                "checks": [{"what": w, "passed": p, "detail": d} for w, p, d in verdict.checks],
            }
        )
    if not verdict.passed:
        raise SystemExit(1)


@app.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--on", "target", default="cortex-m4", show_default=True, help="The emulated core.")
@click.option("--count", type=int, default=100, show_default=True, help="Inferences to run.")
@click.option("--profile", is_flag=True, help="Tell the layers apart.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures to stdout.")
def run(folder: Path, target: str, count: int, profile: bool, as_json: bool) -> None:
    """Build the firmware in FOLDER, run it on an emulated core, compare it with the host."""
    from edgeprune.pipeline.run import run_folder
    from edgeprune.report.terminal import show_run

    record = run_folder(folder, target, count=count, profile=profile)
    show_run(record, _console())
    if as_json:
        _out_json(record)
    if record["target_vs_host_mismatches"]:
        raise SystemExit(1)


@app.command()
@click.option("--json", "as_json", is_flag=True, help="Print the table to stdout as JSON.")
def targets(as_json: bool) -> None:
    """List what can be built for."""
    from rich.table import Table

    from edgeprune.target import list_targets, load_target

    rows = [load_target(name) for name in list_targets()]
    if as_json:
        _out_json(
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
    _console().print(table)


@app.command()
@click.option("--json", "as_json", is_flag=True, help="Print the table to stdout as JSON.")
def ops(as_json: bool) -> None:
    """List the operators that can be compiled, and to what."""
    from dataclasses import asdict

    from rich.table import Table

    from edgeprune.pipeline.support import support_table

    rows = support_table()
    if as_json:
        _out_json([asdict(row) for row in rows])
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("operator", "C", "TFLite", "ONNX", "what"):
        table.add_column(name)
    for row in rows:
        cells = [", ".join(row.formats[f]) or "-" for f in ("c", "tflite", "onnx")]
        table.add_row(row.op, *cells, row.what)
    _console().print(table)


@app.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings to stdout as JSON.")
def doctor(as_json: bool) -> None:
    """Say what is installed, and what each missing piece costs."""
    from edgeprune.toolchain.doctor import diagnose

    findings = diagnose()
    if as_json:
        _out_json(
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
    console = _console()
    for f in findings:
        mark = "[green]ok[/green]     " if f.is_here else "[yellow]missing[/yellow]"
        console.print(f"{mark} {f.name} {f.version or ''}", highlight=False)
        if not f.is_here:
            console.print(f"          without it: {f.without}", highlight=False)
            console.print(f"          install: {f.install}", highlight=False, markup=False)


@app.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Make FOLDER's report.html again from its report.json, and show the report."""
    from edgeprune.pipeline.verify import read_report
    from edgeprune.report.page import write_page
    from edgeprune.report.terminal import show_report

    record = read_report(folder)
    write_page(record, folder)
    show_report(record, _console(), str(folder / "report.html"))


@app.command()
@click.argument("folder_a", type=click.Path(path_type=Path))
@click.argument("folder_b", type=click.Path(path_type=Path))
@click.option("--max-flash-growth", help="Fail when B takes more flash by over this: 256, 1KB.")
@click.option("--max-ram-growth", help="Fail when B takes more RAM by over this.")
@click.option("--max-drop", help="Fail when B is less accurate by over this: 0.5pt.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison to stdout.")
def compare(
    folder_a: Path,
    folder_b: Path,
    max_flash_growth: str | None,
    max_ram_growth: str | None,
    max_drop: str | None,
    as_json: bool,
) -> None:
    """Show two builds side by side; exit status 1 where a limit is crossed."""
    from edgeprune.pipeline.options import parse_drop, parse_size
    from edgeprune.pipeline.verify import read_report
    from edgeprune.report.compare import compare_reports, show_comparison

    limits = {
        "flash_bytes": parse_size(max_flash_growth, "--max-flash-growth", least=0)
        if max_flash_growth is not None
        else None,
        "ram_bytes": parse_size(max_ram_growth, "--max-ram-growth", least=0)
        if max_ram_growth is not None
        else None,
        "accuracy": parse_drop(max_drop) if max_drop is not None else None,
    }
    found = compare_reports(read_report(folder_a), read_report(folder_b), limits)
    show_comparison(found, _console(), str(folder_a), str(folder_b))
    if as_json:
        _out_json(found)
    if found["crossed"]:
        raise SystemExit(1)
