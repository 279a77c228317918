"""The record of builds: a line of JSON for each, so that a team sees what changed between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict

from rich.console import Console
from rich.table import Table

from edgeprune.errors import EdgePruneError
from edgeprune.files import parse_json, read_bytes
from edgeprune.report.schema import Percent, Report
from edgeprune.schema import Count, Figure, Range, Text, checked

MOST_BYTES = 64 << 20


class Entry(TypedDict):
    """A build. What was not measured is None.

    ``measure`` is what accuracy is, as in report.json; records of before do not say it. ``hashes``
    are SHA-256 of the artifacts; that of ``c`` is of the list of its files.
    """

    schema: Literal[1]
    time: Text
    edgeprune: Text
    command: Text
    out: Text
    model: Text
    model_sha256: Text
    target: Text
    dtype: Text
    seed: Count
    budget_bytes: Figure
    flash_bytes: Count
    ram_bytes: Count
    macs: Count
    params: Count
    samples: Count
    accuracy_source: Percent
    accuracy: Percent
    measure: NotRequired[Literal["share", "r2"] | None]
    cycles: Figure
    ms: Annotated[float, Range(0)] | None
    seconds: Annotated[float, Range(0)]
    hashes: dict[str, Text]


def entry_of(report: Report, out: str, hashes: Mapping[str, str], time: str) -> Entry:
    """The line of a build.

    Args:
        report: the content of report.json.
        out: the folder that was written.
        hashes: of its artifacts.
        time: when, ISO 8601 in UTC.
    """
    accuracy, size, run = report["accuracy"], report["size"], report["run"]
    return {
        "schema": 1,
        "time": time,
        "edgeprune": report["edgeprune"],
        "command": report["command"],
        "out": out,
        "model": report["model"]["path"],
        "model_sha256": report["model"]["sha256"],
        "target": report["target"]["name"],
        "dtype": report["dtype"],
        "seed": report["seed"],
        "budget_bytes": report["budget"]["flash_bytes"],
        "flash_bytes": size["flash_bytes"],
        "ram_bytes": size["ram_bytes"],
        "macs": report["after"]["macs"],
        "params": report["after"]["params"],
        "samples": accuracy["n"],
        "accuracy_source": accuracy["source"],
        "accuracy": accuracy["c"],
        "measure": accuracy.get("measure"),
        "cycles": run["cycles"],
        "ms": run["ms"],
        "seconds": report["seconds"]["total"],
        "hashes": dict(hashes),
    }


def read_log(path: Path) -> list[Entry]:
    """The builds of a record, oldest first.

    Raises:
        EdgePruneError: there is none, or a line is no entry.
    """
    hint = "builds are recorded with `edgeprune build --log FILE`"
    lines = read_bytes(path, MOST_BYTES, hint).splitlines()
    found = []
    for number, line in enumerate(lines, 1):
        where = f"{path}: line {number}"
        try:
            value = parse_json(line.decode("utf-8"))
        except ValueError:
            raise EdgePruneError(where, "is no JSON", "take the line out") from None
        found.append(checked(value, Entry, where))
    return found


def show_log(entries: Sequence[Entry], console: Console) -> None:
    """Print a record of builds; behind figures what changed since the last one of the same kind.

    Commands stand below the table, as they can be pasted.

    Args:
        entries: oldest first.
        console: where to.
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("no.", "when", "model"):
        table.add_column(name, overflow="fold")
    for name in ("flash", "RAM", "accuracy", "time"):
        table.add_column(name, justify="right")
    last: dict[tuple[str, str], Entry] = {}
    for number, entry in enumerate(entries, 1):
        key = entry["model"], entry["target"]
        before = last.get(key)
        last[key] = entry
        ms, cycles = entry["ms"], entry["cycles"]
        time = f"{ms:.3g} ms" if ms is not None else "-" if cycles is None else f"{cycles:,} cycles"
        table.add_row(
            str(number),
            entry["time"][:16].replace("T", " "),
            f"{entry['model']}, {entry['target']}, {entry['dtype']}",
            _changed(entry["flash_bytes"], before and before["flash_bytes"]),
            _changed(entry["ram_bytes"], before and before["ram_bytes"]),
            _accuracy(entry, before),
            time,
        )
    console.print(table)
    for number, entry in enumerate(entries, 1):  # a column of a table breaks them to pieces
        console.print(
            f"{number}: {entry['command']}", style="dim", soft_wrap=True, markup=False, emoji=False
        )


def _changed(now: int, before: int | None) -> str:
    return f"{now:,}" if before in (None, now) else f"{now:,} ({now - (before or 0):+,})"


def _accuracy(entry: Entry, last: Entry | None) -> str:
    """With the change since the last one, where both were measured alike on as many samples."""
    now, measure = entry["accuracy"], entry.get("measure")
    if now is None:
        return "-"
    text = f"{'R2 ' if measure == 'r2' else ''}{100 * now:.2f} %"
    alike = last and (last.get("measure"), last["samples"]) == (measure, entry["samples"])
    before = last["accuracy"] if last and alike else None
    return text if before in (None, now) else f"{text} ({100 * (now - (before or 0.0)):+.2f})"
