"""Two builds side by side, for people and for CI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

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
    ("cycles", "cycles", ("run", "cycles"), False),
    ("ms", "time, ms", ("run", "ms"), False),
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
        "rows" (key, name, a, b, change, limit), "crossed": the keys whose limit is crossed, and
        "notes": in what the two differ that figures should not be compared over.
        A figure that one of them lacks, or that measures something else, crosses every limit.
    """
    rows, crossed = [], []
    for key, name, (part, field), larger_is_better in ROWS:
        old, new = a.get(part, {}).get(field), b.get(part, {}).get(field)
        name, alike = _measured(a, b) if key == "accuracy" else (name, True)
        change = None if old is None or new is None or not alike else new - old
        limit = limits.get(key)
        rows.append(
            {"key": key, "name": name, "a": old, "b": new, "change": change, "limit": limit}
        )
        if limit is None:
            continue
        worse = None if change is None else (-change if larger_is_better else change)
        if worse is None or worse > limit + 1e-12:
            crossed.append(key)
    return {"rows": rows, "crossed": crossed, "notes": _notes(a, b)}


def _notes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """What makes figures that are side by side of different things."""
    notes = []
    if a["model"]["sha256"] != b["model"]["sha256"]:
        notes.append("the two were built from different models")
    both = a["accuracy"], b["accuracy"]
    keys = [key for key in ("n", "samples") if all(key in accuracy for accuracy in both)]
    if any(both[0][key] != both[1][key] for key in keys):
        counts = " and ".join(map(_counted, both))
        notes.append(f"accuracies are of different samples: {counts}")
    if not _measured(a, b)[1]:
        notes.append("accuracies measure different things: the share that is right, and R2")
    return notes


def _counted(accuracy: Mapping[str, Any]) -> str:
    """How many samples, and which; reports of earlier versions do not say the latter."""
    n = accuracy.get("n")
    count = "none" if n is None else f"{n:,}"
    said = accuracy.get("samples", "")
    return f"{count} (generated)" if said is None else f"{count} ({said})" if said else count


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
        cells = [_cell(row["key"], row[k]) for k in ("a", "b")]
        change = _cell(row["key"], row["change"], sign=True)
        crossed = row["key"] in found["crossed"]
        shown = Text(f"{change}, {_verdict(row)}", "red") if crossed else change
        table.add_row(row["name"], *cells, shown)
    console.print(table)
    for note in found["notes"]:
        console.print(f"note: {note}")


def as_markdown(found: Mapping[str, Any], a: str, b: str) -> str:
    """A comparison for a pull request.

    Args:
        found: from :func:`compare_reports`.
        a: name of the first build.
        b: name of the second.
    """
    crossed = found["crossed"]
    verdict = f"{len(crossed)} limit{'s' if len(crossed) > 1 else ''} crossed" if crossed else "ok"
    lines = [f"**edgeprune compare: {verdict}**", ""]
    lines.append(f"| | {_plain(a)} | {_plain(b)} | change | limit |")
    lines.append("| --- | ---: | ---: | ---: | --- |")
    for row in found["rows"]:
        key = row["key"]
        old, new = (_cell(key, row[k]) for k in ("a", "b"))
        limit = "" if row["limit"] is None else f"{_allowed(row)}"
        if key in crossed:
            limit = f"**{limit}: crossed**"
        change = _cell(key, row["change"], sign=True)
        lines.append(f"| {row['name']} | {old} | {new} | {change} | {limit} |")
    for note in found["notes"]:
        lines += ["", f"Note: {note}."]
    return "\n".join(lines) + "\n"


def as_junit(found: Mapping[str, Any], a: str, b: str) -> str:
    """A comparison for CI: a test case for every figure.

    Without a limit it passes, or is skipped where one of the builds lacks it, or both.

    Args:
        found: from :func:`compare_reports`.
        a: name of the first build.
        b: name of the second.
    """
    suite = ElementTree.Element("testsuite", {"name": "edgeprune compare"})
    skipped = 0
    for row in found["rows"]:
        case = {"classname": "edgeprune.compare", "name": row["name"]}
        element = ElementTree.SubElement(suite, "testcase", case)
        said = f"{_cell(row['key'], row['a'])} -> {_cell(row['key'], row['b'])}"
        if row["key"] in found["crossed"]:
            failure = ElementTree.SubElement(element, "failure", {"message": _verdict(row)})
            failure.text = f"{_printable(a)} -> {_printable(b)}: {said}"
        elif row["change"] is None:
            skipped += 1
            ElementTree.SubElement(element, "skipped", {"message": f"not measured: {said}"})
        else:
            ElementTree.SubElement(element, "system-out").text = said
    counts = {"tests": len(suite), "failures": len(found["crossed"]), "skipped": skipped}
    suite.attrib |= {key: str(count) for key, count in counts.items()}
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _verdict(row: Mapping[str, Any]) -> str:
    """That a limit is crossed, and which."""
    if row["change"] is None:
        return f"not measured; the limit is {_allowed(row)}"
    return f"over the limit of {_allowed(row)}"


def _measured(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, bool]:
    """What accuracy is called, and whether both measure the same."""
    kinds = [r["accuracy"].get("measure") or "share" for r in (a, b)]
    if kinds[0] != kinds[1]:
        return "accuracy and R2 (C)", False
    return ("R2 (C)" if kinds[0] == "r2" else "accuracy (C)"), True


def _allowed(row: Mapping[str, Any]) -> str:
    """How much worse the second may be."""
    worst = -row["limit"] if row["key"] == "accuracy" else row["limit"]
    return _cell(row["key"], worst, sign=True)


def _cell(key: str, value: float | None, *, sign: bool = False) -> str:
    if value is None:
        return "-"
    plus = "+" if sign else ""
    if key == "accuracy":
        return f"{100 * value:{plus}.2f} {'pt' if sign else '%'}"
    return f"{value:{plus},.{3 if key == 'ms' else 0}f}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _plain(text: str) -> str:
    """A name without the marks that Markdown gives a meaning."""
    return re.sub(r"[`|<>\\\[\]*_]", "'", _printable(text))
