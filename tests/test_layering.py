"""Imports point one way, and heavy packages stay where they belong."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "edgeprune"

LAYERS = (
    (
        "adam arguments arrays environment errors files heap progress resources schema scratch "
        "target bundled"
    ),
    "ir",
    "ops",
    "frontends pruning quantize planner kernels toolchain",
    "emit",
    "compiler",
    "verify",
    "report",
    "pipeline",
    "api",
    "cli",
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row.split()}

MAY_IMPORT = {
    "torch": {"adam", "ir", "ops", "frontends", "pruning", "quantize"},
    "onnx": {"frontends", "emit", "verify"},
    "onnxruntime": {"verify"},
    "ai_edge_litert": {"frontends", "emit", "verify"},
    "tensorflow": {"frontends"},
    "matplotlib": {"report"},
    "jinja2": {"report", "emit"},
    "mlflow": {"pipeline"},
}
"""Packages that are large or tied to a file format, and who may import them."""

FILES = sorted(p for p in ROOT.rglob("*.py") if "_data" not in p.parts)


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    return {n.split(".")[1] for n in imports(path) if n.startswith("edgeprune.")} - {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    me = layer_of(path)
    if me in ("__init__", "__main__"):
        return
    assert me in RANK, f"{me} stands in no layer: add it to LAYERS"
    unknown = own_imports(path) - set(RANK)
    assert not unknown, f"{path.name} imports {sorted(unknown)}, which stand in no layer"
    lowest = RANK[me] == 0
    bad = {d for d in own_imports(path) if d != me and RANK[d] >= RANK[me] and not lowest}
    bad |= {d for d in own_imports(path) if lowest and RANK[d] > 0}
    assert not bad, f"{path.name} is in layer {me!r} and must not import {sorted(bad)}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_large_packages_are_imported_where_they_belong(path: Path) -> None:
    packages = {name.split(".")[0] for name in imports(path)}
    bad = {p for p in packages & set(MAY_IMPORT) if layer_of(path) not in MAY_IMPORT[p]}
    assert not bad, f"{path.name} must not import {sorted(bad)}"


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run_time_imports(path: Path) -> set[str]:
    """Full names of what a file imports, wherever in it, but for what only types need."""
    tree = ast.parse(path.read_text(), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {module_of(p): p for p in FILES}
    edges = {}
    for name, path in modules.items():
        wanted = run_time_imports(path)
        wanted |= {w.rpartition(".")[0] for w in wanted - set(modules)}
        edges[name] = (wanted & set(modules)) - {name}
    while True:  # what imports nothing that is left is in no cycle
        free = {name for name, needs in edges.items() if not needs & set(edges)}
        if not free:
            break
        edges = {name: needs for name, needs in edges.items() if name not in free}
    inside = {n for n in edges if any(n in needs for needs in edges.values())}
    assert not inside, f"modules import each other: {sorted(inside)}"


def test_help_answers_without_the_large_packages() -> None:
    code = (
        "import sys; from edgeprune.cli import main; sys.argv = ['edgeprune', '--help']\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage" in out.stdout
    slow = {*MAY_IMPORT, "scipy", "joblib", "rich"} & set(out.stderr.split())
    assert not slow, f"edgeprune --help imports {sorted(slow)}"


def test_what_builds_is_imported_without_torch() -> None:
    """Networks of integers are compiled without it, which takes longer to import than to do."""
    code = "import sys, edgeprune.pipeline.build; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
