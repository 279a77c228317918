"""Small changes of source code, one at a time: what a slip of the hand would make of it."""

from __future__ import annotations

import ast
import copy
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One change: bytes ``start`` to ``end`` of a file become others.

    Attributes:
        lines: first and last line of the statement, or of its head, that is changed.
        tests: who should notice; empty: whoever runs the lines.
        name: what it is, by text alone, so that it stays the same while other lines change.
    """

    path: Path
    start: int
    end: int
    new: str
    lines: tuple[int, int]
    tests: tuple[str, ...] = ()
    name: str = ""

    def applied(self, source: bytes) -> bytes:
        """The file with the change."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def told(self, source: bytes) -> str:
        """Where it is, and what it changes."""
        line = source.count(b"\n", 0, self.start) + 1
        return f"{self.path.parent}/{self.name.replace(' | ', f':{line} | ', 1)}"


def named(mutants: Iterable[Mutant], source: bytes) -> Iterator[Mutant]:
    """The mutants of a file, each with a name of its own."""
    seen: Counter[str] = Counter()
    for mutant in mutants:
        first = source.rfind(b"\n", 0, mutant.start) + 1
        line = source[first : source.find(b"\n", first)].decode().strip()
        old = " ".join(source[mutant.start : mutant.end].decode().split())
        name = f"{mutant.path.name} | {line} | {old} -> {' '.join(mutant.new.split())}"
        seen[name] += 1
        if seen[name] > 1:
            name += f" #{seen[name]}"
        yield replace(mutant, name=name)


SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
UNSEEN = {"EdgePruneError", "TypeVar", "NewType", "cast", "Literal"}
"""Calls with nothing inside that a program computes with: what errors say, and types."""


def of_python(path: Path, source: bytes) -> Iterator[Mutant]:
    """Every mutant of a Python file: but for texts, types, assertions and what errors say."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, lines in _places(ast.parse(source), (1, 1)):
        for new in _changes(node):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            yield Mutant(path, start, end, new, lines)


def _places(tree: ast.AST, lines: tuple[int, int]) -> Iterator[tuple[ast.AST, tuple[int, int]]]:
    """Nodes that can be changed, and the lines of the statement that they are in."""
    if isinstance(tree, ast.JoinedStr | ast.Assert | ast.Raise | ast.Import | ast.ImportFrom):
        return
    if isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING":
        return
    if isinstance(tree, ast.Call) and ast.unparse(tree.func) in UNSEEN:
        return
    if isinstance(tree, ast.keyword) and tree.arg == "strict":  # zip: an assertion
        return
    if isinstance(tree, ast.stmt):
        body = getattr(tree, "body", None)
        end = body[0].lineno - 1 if body else tree.end_lineno or 0
        lines = tree.lineno, max(tree.lineno, end)
    yield tree, lines
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _places(child, lines)


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
    """Every mutant of a C file: operators exchanged, numbers one larger."""
    for found in C_PATTERN.finditer(source.decode("latin-1")):
        old = found.group()
        new = str(int(old) + 1) if old.isdigit() else C_TOKENS.get(old)
        if new is not None:
            yield Mutant(path, found.start(), found.end(), new, (0, 0))


def by_hand(listed: Path, folder: Path) -> Iterator[Mutant]:
    """The mutants of a list: in ``file``, ``old``, which is there once, becomes ``new``.

    Those whose code has changed since are left out, and named.
    """
    families = tomllib.loads(listed.read_text())
    for family in families.values():
        for row in family["mutants"]:
            path = Path(row["file"])
            source = (folder / path).read_bytes() if (folder / path).exists() else b""
            old = row["old"].encode()
            if source.count(old) != 1:
                sys.stderr.write(f"{path} has {source.count(old)} times: {row['old']}\n")
                continue
            start = source.index(old)
            tests = tuple(row.get("tests", family["tests"]))
            made = Mutant(path, start, start + len(old), row["new"], (0, 0), tests)
            yield from named([made], source)
