"""Write the figures of the README and of the docs anew, each from where it was measured.

    python benchmarks/bench_budgets.py
    python benchmarks/bench_kernels.py
    python benchmarks/bench_models.py
    python -m benchmarks.pruning.mnist_budget  # and the others of its folder
    python scripts/update_readme.py [--check]

What stands between ``<!-- name -->`` and ``<!-- end -->`` is made here; --check changes nothing
and fails where a page says otherwise.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "scripts")]

import bench_budgets  # noqa: E402
import bench_kernels  # noqa: E402
import bench_models  # noqa: E402
import demo_summary  # noqa: E402

from edgeprune.kernels.costs import read_lines  # noqa: E402
from edgeprune.kernels.isa import COUNTED  # noqa: E402

README = ROOT / "README.md"
DEMO_BUDGET = "64KB"


def rows() -> list[dict[str, Any]]:
    """What the benchmark found."""
    found: list[dict[str, Any]] = json.loads(bench_budgets.RESULTS.read_text())
    return found


def budgets() -> str:
    """The table of budgets."""
    return bench_budgets.table(rows())


def demo() -> str:
    """The summary that ends the demo."""
    report = next(r["report"] for r in rows() if r["budget"] == DEMO_BUDGET)
    return f"```text{demo_summary.summary(report, Path('build/demo'))}\n```"


def operators() -> str:
    """The table of operators."""
    command = [sys.executable, "-m", "edgeprune", "ops", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    formats = [", ".join(row["formats"]["c"]) for row in rows]
    lines = [f"| {row['op']} | {c} | {row['what']} |" for row, c in zip(rows, formats, strict=True)]
    return "\n".join(["| operator | C kernels | what |", "| --- | --- | --- |", *lines])


def kernels() -> str:
    """The table of kernels beside their peers."""
    return bench_kernels.table(bench_kernels.stored())


def cycles() -> str:
    """The table of cycles beside published ones."""
    return bench_kernels.published_table(bench_kernels.stored())


def quickest() -> str:
    """Those of it that are built for speed."""
    return bench_kernels.published_table(bench_kernels.stored(), ("speed",))


def models() -> str:
    """The table of MLPerf Tiny's models beside TFLM."""
    return bench_models.table(bench_models.stored())


def costs() -> str:
    """How far the fitted costs are off."""
    lines = ["| core | kernels | median error | worst kernel |", "| --- | ---: | ---: | --- |"]
    for core in sorted(COUNTED):
        levels = read_lines(core)
        fits = [(f["median_error"], k) for level in levels.values() for k, f in level.items()]
        error, kernel = max(fits)
        middle = statistics.median(e for e, _ in fits)
        count = len({k for _, k in fits})
        lines.append(f"| {core} | {count} | {middle:.1%} | `{kernel}`, {error:.1%} |")
    return "\n".join(lines)


PRUNED = {
    "mnist_budget": "MNIST, 784-100-10 ReLU, by bytes of int8 weights and tables",
    "mnist_removable": "MNIST, hidden neurons that can go for half a point and a point, per cent",
    "ic01": "CIFAR-10, ResNet-8 of MLPerf Tiny, by parameters and by bytes of int8 weights",
    "kws01": "Keywords, DS-CNN of MLPerf Tiny, half of the 1,000 samples for each purpose",
    "masks": "ResNet-8 at half its parameters, masks of Torch-Pruning as they are and repaired",
    "finetuned": "ResNet-8, trained on 100,000 images after pruning",
    "bits_ic01_mixed": "ResNet-8 by channels and bits: the flash is the size and 6.5 KB of code",
    "bits_kws01_mixed": "The keywords' network likewise, with 5 KB of code, of 500 samples",
    "blocks": "Bits by layer, block or row, or layers of low rank: predicted loss, nats / 1000",
    "activations": "Activations of fewer bits, weights as they are",
}


def pruned() -> str:
    """One table for every benchmark of pruning that was run."""
    parts = []
    for name, title in PRUNED.items():
        path = ROOT / "benchmarks" / "results" / "pruning" / f"{name}.json"
        if not path.is_file():
            continue
        rows = json.loads(path.read_text())
        columns = [c for c in rows[0] if c not in ("seconds", "to reach")]
        lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
        for row in rows:
            lines.append(f"| {' | '.join(_cell(row[c]) for c in columns)} |")
        table = "\n".join(lines)
        parts.append(f"## {title}\n\n`python -m benchmarks.pruning.{_command(name)}`\n\n{table}")
    return "\n\n".join(parts)


def _command(name: str) -> str:
    if not name.startswith("bits_"):
        return name
    _, model, dtype = name.split("_")
    return f"bits --model {model} --dtype {dtype}"


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"


BLOCKS: dict[Path, dict[str, Callable[[], str]]] = {
    README: {
        "demo": demo,
        "budgets": budgets,
        "cycles": quickest,
        "models": models,
        "operators": operators,
    },
    ROOT / "docs" / "accuracy.md": {"pruned": pruned},
    ROOT / "docs" / "cycles.md": {"cycles": cycles},
    ROOT / "docs" / "kernels.md": {"kernels": kernels, "costs": costs},
}


def updated(text: str, blocks: dict[str, Callable[[], str]]) -> str:
    """A page's text with every block made anew."""
    for name, make in blocks.items():
        block = re.compile(f"<!-- {name} -->\n.*?<!-- end -->", re.DOTALL)
        assert block.search(text), f"the page lacks <!-- {name} -->"
        new = f"<!-- {name} -->\n{make()}\n<!-- end -->"
        text = block.sub(lambda _, new=new: new, text)
    return text


def main() -> None:
    """Update, or check."""
    for page, blocks in BLOCKS.items():
        old = page.read_text()
        new = updated(old, blocks)
        if "--check" not in sys.argv:
            page.write_text(new)
        elif new != old:
            sys.exit(f"{page.name}: figures differ\n  hint: python scripts/update_readme.py")


if __name__ == "__main__":
    main()
