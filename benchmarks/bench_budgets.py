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
HEADER = (
    "budget | flash, bytes | RAM, bytes | type | hidden neurons | accuracy | instructions | seconds"
)


def build(budget: str, dtype: str) -> dict[str, Any]:
    """One build; the figures of a row, or why it cannot be."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temp:
        command = [sys.executable, "-m", "edgeprune", "build", "--json", "-o", f"{temp}/out"]
        command += ["--budget", budget, "--dtype", dtype]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    row: dict[str, Any] = {"budget": budget, "asked": dtype}
    if done.returncode == 1:
        return {**row, "floor": done.stderr.strip()}
    if done.returncode:
        sys.exit(done.stderr)
    report = json.loads(done.stdout)
    return row | {
        "flash_bytes": report["size"]["flash_bytes"],
        "ram_bytes": report["size"]["ram_bytes"],
        "dtype": report["dtype"],
        "neurons": report["after"]["channels"]["hidden"],
        "accuracy": report["accuracy"]["c"],
        "accuracy_before": report["accuracy"]["source"],
        "instructions": report["run"]["instructions"],
        "seconds": round(time.perf_counter() - start, 1),
    }


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    if "floor" in row:
        return f"| {row['budget']} | cannot be met as {row['asked']} | | | | | | |"
    instructions = row["instructions"]
    return (
        f"| {row['budget']} | {row['flash_bytes']:,} | {row['ram_bytes']:,} | {row['dtype']} "
        f"| {row['neurons']} | {100 * row['accuracy']:.2f} % "
        f"| {'-' if instructions is None else f'{instructions:,}'} | {row['seconds']} |"
    )


def main() -> None:
    """Build all, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budgets", default="64KB,32KB,16KB,8KB,4KB")
    parser.add_argument("--dtypes", default="auto")
    given = parser.parse_args()
    print(f"| {HEADER} |\n|{' --- |' * (HEADER.count('|') + 1)}")
    rows = []
    for dtype in given.dtypes.split(","):
        for budget in given.budgets.split(","):
            rows.append(build(budget, dtype))
            print(line(rows[-1]), flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
