"""What the README and the pages of docs/ tell people to type works.

A page runs from top to bottom in an empty folder: every line ``$ ...`` of a block marked
``console``, and every block marked ``python``; a block marked ``toml`` whose first line is a
comment with a name is that file. A block marked with another word is only shown.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeprune.pruning.criteria import CRITERIA
from edgeprune.pruning.search import SCHEDULES

ROOT = Path(__file__).parents[1]
PAGES = [p for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if p.is_file()]
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def steps(page: Path) -> Iterator[list[str]]:
    """The commands of a page, in order; Python blocks become programs."""
    for kind, text in BLOCK.findall(page.read_text()):
        if kind == "python":
            yield [sys.executable, "-c", text]
        if kind == "toml" and (name := re.match(r"# (\w+\.toml)\n", text)):
            yield ["bash", "-c", f"cat > {name[1]} <<'END'\n{text}END"]
        if kind == "console":
            lines = text.replace("\\\n", " ").splitlines()
            commands = (line.removeprefix("$ ") for line in lines if line.startswith("$ "))
            yield from (["bash", "-c", command] for command in commands)


def name(page: Path) -> str:
    return page.stem


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("page", [p for p in PAGES if any(steps(p))], ids=name)
def test_commands_of_a_page_work(page: Path, tmp_path: Path) -> None:
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in steps(page):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PATH": beside},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
def test_c_code_of_the_device_page_compiles_with_what_a_build_writes(tmp_path: Path) -> None:
    (code,) = (t for kind, t in BLOCK.findall((ROOT / "docs/device.md").read_text()) if kind == "c")
    (tmp_path / "app.c").write_text(code)
    build = [sys.executable, "-m", "edgeprune", "build", "--dtype", "int8", "-o", "digits"]
    compile_ = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-Idigits/c", "-c", "app.c"]
    for command in (build, compile_):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def test_the_docs_build_without_a_warning(tmp_path: Path) -> None:
    command = [
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        "trees",
        str(ROOT / "docs"),
        "site",
    ]
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_criterion_and_schedule_is_explained() -> None:
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs/criteria.md").read_text()))
    assert {*CRITERIA, *SCHEDULES} <= named


def test_figures_in_the_readme_are_those_of_the_benchmarks() -> None:
    update = ROOT / "scripts" / "update_readme.py"
    done = subprocess.run(
        [sys.executable, str(update), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert not [link for link in local if not (page.parent / link).exists()]
