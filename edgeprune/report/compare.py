"""Two builds side by side, for people and for CI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# (key, what people read, where it is in the record, whether larger is better)
ROWS = (
    ("flash_bytes", "flash, bytes", ("size", "flash_bytes"), False),
    ("code_bytes", "code, bytes", ("size", "code_bytes"), False),
    ("weight_bytes", "weights, bytes", ("size", "weight_bytes"), False),
    ("ram_bytes", "RAM, bytes", ("size", "ram_bytes"), False),
    ("arena_bytes", "arena, bytes", ("size", "arena_bytes"), False),
    ("tflite_bytes", ".tflite, bytes", ("size", "tflite_bytes"), False),
    ("onnx_bytes", ".onnx, bytes", ("size", "onnx_bytes"), False),
    ("cycles", "cycles, modelled", ("run", "cycles"), False),
    ("instructions", "instructions", ("run", "instructions"), False),
    ("macs", "MACs", ("after", "macs"), False),
    ("accuracy", "accuracy (C)", ("accuracy", "c"), True),
)


def compare_reports(
    a: Mapping[str, Any], b: Mapping[str, Any], limits: Mapping[str, float | None]
) -> dict[str, Any]:
    """What changed from one build to another.

    Args:
        a: report.json of the first.
        b: report.json of the second.
        limits: by key of ``ROWS``, by how much the second may be worse; None: no limit.

    Returns:
        "rows" (key, name, a, b, change), and "crossed": the keys whose limit is crossed.
    """
    rows, crossed = [], []
    for key, name, (part, field), larger_is_better in ROWS:
        old, new = a.get(part, {}).get(field), b.get(part, {}).get(field)
        change = None if old is None or new is None else new - old
        rows.append({"key": key, "name": name, "a": old, "b": new, "change": change})
        limit = limits.get(key)
        if limit is None:
            continue
        worse = None if change is None else (-change if larger_is_better else change)
        if worse is None or worse > limit + 1e-12:
            crossed.append(key)
    same_source = a["model"]["sha256"] == b["model"]["sha256"]
    return {"same_source": same_source, "rows": rows, "crossed": crossed}


def show_comparison(found: Mapping[str, Any], console: Console, a: str, b: str) -> None:
    """Print a comparison.

    Args:
        found: from :func:`compare_reports`.
        console: where to.
        a: name of the first build.
        b: name of the second.
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in (a, b, "change"):
        table.add_column(name, justify="right", overflow="fold")
    for row in found["rows"]:
        crossed = row["key"] in found["crossed"]
        cells = [_cell(row["key"], row[k]) for k in ("a", "b")]
        change = _cell(row["key"], row["change"], sign=True)
        shown = Text(f"{change} over the limit", "red") if crossed else change
        table.add_row(row["name"], *cells, shown)
    console.print(table)
    if not found["same_source"]:
        console.print("note: the two were built from different models")


def _cell(key: str, value: float | None, *, sign: bool = False) -> str:
    if value is None:
        return "-"
    plus = "+" if sign else ""
    if key == "accuracy":
        return f"{100 * value:{plus}.2f} {'pt' if sign else '%'}"
    return f"{value:{plus},.0f}"
