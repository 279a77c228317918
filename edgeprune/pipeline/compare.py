"""Two builds side by side, and whether the second is worse by more than it may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeprune.pipeline.values import parse_drop, parse_size
from edgeprune.report.compare import compare_reports
from edgeprune.report.read import read_report
from edgeprune.schema import Count, checked


def compare_folders(
    a: Path,
    b: Path,
    *,
    max_flash_growth: str | int | None = None,
    max_ram_growth: str | int | None = None,
    max_instructions_growth: int | None = None,
    max_cycles_growth: int | None = None,
    max_drop: str | float | None = None,
) -> dict[str, Any]:
    """See :func:`edgeprune.compare`."""
    sizes = {"flash": max_flash_growth, "ram": max_ram_growth}
    limits: dict[str, float | None] = {
        f"{name}_bytes": None
        if value is None
        else parse_size(value, f"--max-{name}-growth", least=0)
        for name, value in sizes.items()
    }
    counts = {"instructions": max_instructions_growth, "cycles": max_cycles_growth}
    for name, count in counts.items():
        limits[name] = checked(count, Count | None, f"--max-{name}-growth")  # type: ignore[arg-type]
    limits["accuracy"] = None if max_drop is None else parse_drop(max_drop)
    return compare_reports(read_report(a), read_report(b), limits)
