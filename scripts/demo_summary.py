"""Say in plain words what `make demo` did, from the report.json that it wrote.

python scripts/demo_summary.py build/demo
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Report = dict[str, Any]


def number(value: float | None) -> str:
    """A figure as people write it; one that was not measured says so."""
    return "not measured" if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return "not measured" if value is None else f"{100 * value:.2f} %"


def summary(report: Report, folder: Path) -> str:
    """What to say, line by line."""
    size, budget, accuracy = report["size"], report["budget"], report["accuracy"]
    agreement, run = report["agreement"], report.get("run") or {}
    before, after = report["before"]["macs"], report["after"]["macs"]
    flash = size["flash_bytes"]
    free = None if flash is None else budget["flash_bytes"] - flash
    return f"""
The demo in short
  budget       {number(budget["flash_bytes"])} bytes of flash on {report["target"]["name"]}
  firmware     {number(flash)} bytes, {number(free)} to spare: weights \
{number(size["weight_bytes"])}, code {number(size["code_bytes"])}
  memory       {number(size["ram_bytes"])} bytes of RAM, no heap
  work         {number(before)} -> {number(after)} multiply-accumulates; {report["dtype"]}
  accuracy     {percent(accuracy["source"])} before, {percent(accuracy["c"])} after, on \
{number(accuracy["n"])} images that chose nothing
  agreement    C and TFLite: {number(agreement["c_vs_tflite_mismatches"])} of \
{number(agreement["n"])} results differ
  on the core  {number(agreement["target_vs_host_mismatches"])} results differ from the host, \
{number(run.get("instructions"))} instructions an image
  use          {folder}/c, which drops into your project; {folder}/model.tflite, model.onnx
  look at      {folder}/report.html"""


def main() -> None:
    """Print the summary of the folder on the command line."""
    folder = Path(sys.argv[1])
    report = json.loads((folder / "report.json").read_text())
    print(summary(report, folder))


if __name__ == "__main__":
    main()
