"""Say in plain words what `make demo` did, from the report.json that it wrote.

python scripts/demo_summary.py build/demo
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def number(value: float | None, unit: str = "") -> str:
    """A figure as people write it; one that was not measured says so."""
    return "not measured" if value is None else f"{value:,}{unit}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return "not measured" if value is None else f"{100 * value:.2f} %"


def lines(report: Report, folder: Path) -> list[tuple[str, str]]:
    """What to say, as (about, text)."""
    size, budget, accuracy = report["size"], report["budget"], report["accuracy"]
    agreement, run = report["agreement"], report.get("run") or {}
    before, after = report["before"]["channels"], report["after"]["channels"]
    neurons = ", ".join(f"{k}: {v} -> {after[k]}" for k, v in before.items() if v != after[k])
    free = None if size["flash_bytes"] is None else budget["flash_bytes"] - size["flash_bytes"]
    return [
        (
            "budget",
            f"{number(budget['flash_bytes'], ' bytes')} of flash on {report['target']['name']}",
        ),
        (
            "firmware",
            f"{number(size['flash_bytes'], ' bytes')} added ({number(free)} to spare): "
            f"weights {number(size['weight_bytes'])}, code {number(size['code_bytes'])}",
        ),
        ("memory", f"{number(size['ram_bytes'], ' bytes')} of RAM, no heap"),
        ("neurons", f"{neurons or 'none removed'}; as {report['dtype']}"),
        (
            "accuracy",
            f"{percent(accuracy['source'])} before, {percent(accuracy['c'])} after, "
            f"on {number(accuracy['n'])} images never used to choose",
        ),
        (
            "C and TFLite",
            f"{number(agreement['c_vs_tflite_mismatches'])} of "
            f"{number(agreement['n'])} results differ",
        ),
        (
            "on the core",
            f"{number(agreement['target_vs_host_mismatches'])} results differ, "
            f"{number(run.get('instructions'))} instructions an image",
        ),
        ("look at", f"{folder}/report.html, {folder}/c (drop into your project)"),
    ]


def main() -> None:
    """Print the summary of the folder on the command line."""
    folder = Path(sys.argv[1])
    report = json.loads((folder / "report.json").read_text())
    print("\nThe demo in short")
    for about, text in lines(report, folder):
        print(f"  {about:<13} {text}")


if __name__ == "__main__":
    main()
