"""Layers that are turns of one loop of the C, as one row: a recurrent network has hundreds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SUMMED = ("macs", "weight_bytes", "constant_bytes", "instructions", "cycles")


def together(layers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Layers with all turns of a loop in the row of its first one.

    Args:
        layers: of report.json.

    Returns:
        The rows with "turns"; figures are of all of these.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in layers:
        first = found.get(row.get("turn_of") or "")
        if first is None:
            found[row["name"]] = {**row, "turns": 1}
            continue
        first["turns"] += 1
        for k in first.keys() & SUMMED:  # what is not known of one turn is not known of all
            known = first[k] is not None and row.get(k) is not None
            first[k] = first[k] + row[k] if known else None
    return list(found.values())
