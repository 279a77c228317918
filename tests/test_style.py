"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = {
    ".c",
    ".h",
    ".S",
    ".ld",
    ".md",
    ".py",
    ".sh",
    ".toml",
    ".yml",
    ".yaml",
    ".html",
    ".json",
    "",
}

BUILT = {".venv", "build", "dist"}


def tracked() -> list[Path]:
    """Files that git knows or would know; where this is no checkout, all but what is built."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    out = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False)
    names = out.stdout.splitlines()
    own = (p for p in ROOT.rglob("*.*") if not BUILT & {*p.relative_to(ROOT).parts})
    return [p for n in names if (p := ROOT / n).is_file()] or [p for p in own if p.is_file()]


FILES = tracked()


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_what_is_built_is_not_ours_without_a_checkout_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (".venv/lib", "build", "own"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "a.py").write_text("")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert tracked() == [tmp_path / "own" / "a.py"]


def test_no_path_of_a_developers_machine_is_in_the_repository() -> None:
    private = re.compile(r"/(?:work|home|root|farm)/[a-z]|/tmp/" + "venv")
    bad = [
        f"{name(p)}:{i}"
        for p in FILES
        if p.suffix in TEXT and p != Path(__file__)
        for i, line in enumerate(p.read_text(errors="replace").splitlines(), 1)
        if private.search(line)
    ]
    assert not bad


def test_binary_files_hold_no_path_of_a_developers_machine() -> None:
    private = re.compile(rb"/(?:work|home|root|farm)/[a-z]{3,}/")
    bad = [name(p) for p in FILES if p.suffix not in TEXT and private.search(p.read_bytes())]
    assert not bad


def test_nothing_unfinished_is_committed() -> None:
    marks = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")))
    own = (p for p in FILES if p.suffix in (".py", ".c", ".h", ".S", ".sh", ".md"))
    assert not [name(p) for p in own if marks.search(p.read_text(errors="replace"))]


def test_no_file_in_the_repository_is_larger_than_the_bundled_data() -> None:
    assert not [name(p) for p in FILES if p.stat().st_size > 3_000_000]


def test_no_file_is_longer_than_a_reader_holds_in_mind() -> None:
    own = (p for p in FILES if p.suffix in (".py", ".c", ".h", ".S", ".inc"))
    assert not [name(p) for p in own if len(p.read_text().splitlines()) > 400]


def test_no_function_is_longer_than_a_screen_beside_its_docstring() -> None:
    long = []
    for path in (p for p in FILES if p.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            first = node.body[0]
            text = first if ast.get_docstring(node) is not None else None
            about = (text.end_lineno or 0) - text.lineno + 1 if text is not None else 0
            if (node.end_lineno or 0) - node.lineno + 1 - about > 60:
                long.append(f"{name(path)}:{node.lineno}")
    assert not long
