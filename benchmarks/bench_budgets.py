"""The bundled model at several budgets: size, accuracy, instructions. The README's table.

    python benchmarks/bench_budgets.py [--budgets 64KB,32KB] [--dtypes auto,int8,float32]

Writes benchmarks/results/budgets.json and prints a Markdown table. Accuracy is
that of the generated C on all 10,000 test images, which chose nothing; instructions are those of
one inference on an emulated Cortex-M4.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "budgets.json"
KEPT = "target budget size before after dtype accuracy agreement run".split()
"""What is stored of a report."""


def build(budget: str, dtype: str) -> dict[str, Any]:
    """One build; the figures of a row, or why it cannot be."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temp:
        command = [sys.executable, "-m", "edgeprune", "build", "--json", "-o", f"{temp}/out"]
        command += ["--budget", budget, "--dtype", dtype]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    row: dict[str, Any] = {"budget": budget, "asked": dtype}
    if done.returncode == 1 and "the smallest" in done.stderr:
        return {**row, "floor": done.stderr.strip()}
    if done.returncode:
        sys.exit(done.stderr)
    seconds = round(time.perf_counter() - start, 1)
    report = json.loads(done.stdout)
    return row | {"seconds": seconds, "report": {key: report[key] for key in KEPT}}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    head = "budget | flash, bytes | RAM, bytes | type | MACs | accuracy | instructions"
    return "\n".join([f"| {head} |", "| --- " * 7 + "|", *map(line, rows)])


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    if "floor" in row:
        return f"| {row['budget']} | cannot be met as {row['asked']} | | | | | |"
    r = row["report"]
    size, instructions = r["size"], r["run"]["instructions"]
    return (
        f"| {row['budget']} | {size['flash_bytes']:,} | {size['ram_bytes']:,} | {r['dtype']} "
        f"| {r['after']['macs']:,} | {100 * r['accuracy']['c']:.2f} % "
        f"| {'-' if instructions is None else f'{instructions:,}'} |"
    )


def main() -> None:
    """Build all, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budgets", default="64KB,32KB,16KB,8KB,4KB,2KB")
    parser.add_argument("--dtypes", default="auto")
    given = parser.parse_args()
    asked = [(b, d) for d in given.dtypes.split(",") for b in given.budgets.split(",")]
    rows = [build(budget, dtype) for budget, dtype in asked]
    print(table(rows))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
