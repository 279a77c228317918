"""Changes our own code in one small place at a time, and asks whether a test notices.

``python -m tests.campaign.mutants planner 60 0`` tries 60 mutants of the planner, seed 0; ``all``
as many of every part. It works on a copy of what git has. Names of the mutants that no test
noticed are printed, and the share that was killed.
"""

from __future__ import annotations

import ast
import copy
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 5.0  # times what the tests take; behind that a mutant hangs, which is noticed


@dataclass(frozen=True)
class Part:
    """What is changed, and which tests should notice.

    Attributes:
        files: patterns of source files.
        tests: test files, or pytest's other arguments.
    """

    files: tuple[str, ...]
    tests: tuple[str, ...]


PARTS = {
    "planner": Part(
        ("edgeprune/planner/*.py",), ("tests/planner/test_plan.py", "tests/planner/test_arena.py")
    ),
    "limits": Part(
        ("edgeprune/pruning/limits.py", "edgeprune/pruning/search.py"),
        ("tests/pruning/test_limits.py", "tests/pruning/test_search.py"),
    ),
    "quantize": Part(("edgeprune/quantize/*.py",), ("tests/quantize",)),
    "emit": Part(
        ("edgeprune/emit/*.py", "edgeprune/emit/to_c/*.py"),
        (
            "tests/emit/test_names.py", "tests/emit/test_port_comments.py",
            "tests/emit/test_tflite.py", "tests/emit/test_tflite_metadata.py",
            "tests/emit/test_onnx.py", "tests/emit/test_labels.py",
        ),
    ),
    "kernels": Part(
        ("edgeprune/kernels/portable/*.py", "edgeprune/kernels/*.py"),
        (
            "tests/kernels/test_choice.py", "tests/kernels/test_costs.py",
            "tests/kernels/test_codes.py", "tests/kernels/test_inplace.py",
            "tests/kernels/test_gather.py", "tests/kernels/test_matmul.py",
            "tests/kernels/test_portable_elementwise.py", "tests/kernels/test_portable_int16.py",
            "tests/kernels/test_portable_linear.py",
        ),
    ),
    "runtime_c": Part(
        ("runtime_c/src/*_s8.c", "runtime_c/src/*_s16.c", "runtime_c/include/ep_common.h"),
        (
            "tests/kernels/test_portable_elementwise.py", "tests/kernels/test_portable_int16.py",
            "tests/kernels/test_portable_linear.py", "tests/kernels/test_codes.py",
            "tests/kernels/test_matmul.py", "tests/kernels/test_gather.py",
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: bytes ``start`` to ``end`` of a file become others."""

    path: Path
    start: int
    end: int
    new: str

    def applied(self, source: bytes) -> bytes:
        """The file with the change."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def told(self, source: bytes) -> str:
        """Where and what it is."""
        line = source.count(b"\n", 0, self.start) + 1
        old = " ".join(source[self.start : self.end].decode().split())
        return f"{self.path}:{line}: {old}  ->  {' '.join(self.new.split())}"


SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def of_python(path: Path, source: bytes) -> Iterator[Mutant]:
    """Every mutant of a Python file: but for texts, types, assertions and what errors say."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _places(ast.parse(source)):
        for new in _changes(node):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            yield Mutant(path, start, end, new)


def _places(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that can be changed."""
    if isinstance(tree, ast.JoinedStr | ast.Assert | ast.Raise | ast.Import | ast.ImportFrom):
        return
    if isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING":
        return
    yield tree
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _places(child)


def _changes(node: ast.AST) -> Iterator[str]:
    """What may stand in place of a node."""
    if isinstance(node, ast.Compare | ast.BinOp | ast.BoolOp):
        changed = copy.deepcopy(node)
        if isinstance(changed, ast.Compare):
            changed.ops[0] = SWAPPED[type(changed.ops[0])]()  # type: ignore[assignment]
        elif type(changed.op) in SWAPPED:
            changed.op = SWAPPED[type(changed.op)]()  # type: ignore[assignment]
        else:
            return
        yield f"({ast.unparse(changed)})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield f"({node.value + 1})"
    elif isinstance(node, ast.IfExp):
        yield f"({ast.unparse(node.orelse)})"
    elif isinstance(node, ast.Continue | ast.Break | ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "pass"


C_TOKENS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
    " + ": " - ", " - ": " + ", "+=": "-=", "-=": "+=", "<<": ">>", ">>": "<<",
}  # fmt: skip
C_PATTERN = re.compile(
    r"/\*.*?\*/|//[^\n]*|^#[^\n]*|\"[^\"]*\"|->|\b\d+\b|" + "|".join(
        re.escape(t) for t in sorted(C_TOKENS, key=len, reverse=True)
    ),
    re.DOTALL | re.MULTILINE,
)  # fmt: skip


def of_c(path: Path, source: bytes) -> Iterator[Mutant]:
    """Every mutant of a C file that compiles: operators exchanged, numbers one larger."""
    for found in C_PATTERN.finditer(source.decode("latin-1")):
        old = found.group()
        new = str(int(old) + 1) if old.isdigit() else C_TOKENS.get(old)
        if new is not None:
            yield Mutant(path, found.start(), found.end(), new)


def compiles(made: bytes, folder: Path) -> bool:
    """Whether it is Python, or C, at all."""
    command = ["gcc", "-std=c99", "-fsyntax-only", "-xc", f"-I{folder / 'runtime_c/include'}", "-"]
    return subprocess.run(command, input=made, capture_output=True, check=False).returncode == 0


def run(folder: Path, tests: Sequence[str], limit: float | None) -> bool:
    """Whether the tests pass, in a child that has the large packages already."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(folder)
        sys.path[:0] = [str(folder)]
        import pytest

        options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", "--hypothesis-seed=0"]
        os._exit(int(pytest.main([*options, *tests])))
    end = None if limit is None else time.monotonic() + limit
    while True:
        done, status = os.waitpid(child, os.WNOHANG if end else 0)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        if end and time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        time.sleep(0.02)


def copied(folder: Path) -> None:
    """What git has, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    for name in listed.stdout.rstrip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)


def try_mutant(mutant: Mutant, folder: Path, tests: Sequence[str], limit: float) -> bool | None:
    """Whether a test notices; None: it cannot be compiled."""
    file = folder / mutant.path
    source = file.read_bytes()
    made = mutant.applied(source)
    if mutant.path.suffix != ".py" and not compiles(made, folder):
        return None
    try:
        file.write_bytes(made)
        forget(file)
        return not run(folder, tests, limit)
    finally:
        file.write_bytes(source)
        forget(file)


def forget(file: Path) -> None:
    """Remove compiled code: it is told apart by whole seconds and sizes only."""
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):
        compiled.unlink()


def survey(name: str, part: Part, count: int, seed: int, folder: Path) -> tuple[int, int]:
    """Try some mutants of a part: how many, and how many of them were killed."""
    mutants: list[Mutant] = []
    for path in sorted(p for f in part.files for p in folder.glob(f)):
        make = of_python if path.suffix == ".py" else of_c
        mutants += make(path.relative_to(folder), path.read_bytes())
    random.Random(seed).shuffle(mutants)
    start = time.monotonic()
    assert run(folder, part.tests, None), f"the tests of {name} fail as it is"
    limit = 10 + PATIENCE * (time.monotonic() - start)
    tried = killed = 0
    for mutant in mutants:
        if tried == count:
            break
        noticed = try_mutant(mutant, folder, part.tests, limit)
        if noticed is None:
            continue
        tried += 1
        killed += noticed
        if not noticed:
            told = mutant.told((folder / mutant.path).read_bytes())
            sys.stdout.write(f"survives: {told}\n")
            sys.stdout.flush()
    return tried, killed


def main(names: str, count: int, seed: int) -> None:
    """Try mutants of some parts."""
    import hypothesis  # noqa: F401
    import numpy  # noqa: F401
    import onnx  # noqa: F401
    import pytest  # noqa: F401
    import torch  # noqa: F401

    with tempfile.TemporaryDirectory(prefix="mutants-") as temp:
        copied(Path(temp))
        for name in PARTS if names == "all" else names.split(","):
            tried, killed = survey(name, PARTS[name], count, seed, Path(temp))
            share = 100 * killed / max(tried, 1)
            sys.stdout.write(f"{name}: {killed} of {tried} mutants killed, {share:.0f} %\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
