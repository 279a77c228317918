"""docs/c_rules.md tells the truth about MISRA C:2012."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MACRO = re.compile(r"^[ \t]*#[ \t]*define (\w+)", re.MULTILINE)
ROW = re.compile(r"^\| ([\d., ]+) \|", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.needs("cppcheck")
def test_the_rules_that_are_deviated_from_are_those_of_the_page(tmp_path: Path) -> None:
    command = "cppcheck --std=c99 --enable=style --addon=misra -q --suppress=missingIncludeSystem"
    runtime = shutil.copytree(ROOT / "runtime_c", tmp_path / "c")  # it writes beside what it reads
    told = subprocess.run(
        [*command.split(), f"-I{runtime / 'include'}", runtime / "src"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    broken = set(re.findall(r"misra-c2012-([\d.]+)\]", told))
    page = (ROOT / "docs" / "c_rules.md").read_text()
    listed = {rule for row in ROW.findall(page) for rule in row.split(", ")}
    assert len(broken) > 10, told[-500:]
    assert broken == listed


def test_only_rules_that_may_be_deviated_from_are() -> None:
    page = (ROOT / "docs" / "c_rules.md").read_text()
    categories = set(re.findall(r"^\| [\d., ]+ \| (\w+) \|", page, re.MULTILINE))
    assert categories == {"required", "advisory"}


def test_a_macro_of_a_header_is_defined_nowhere_else() -> None:
    """The package of a single file has them all in one translation unit."""
    places: dict[str, set[Path]] = {}
    for folder in (ROOT / "runtime_c" / "include", ROOT / "runtime_c" / "arch"):
        for header in folder.rglob("*.h"):
            for macro in MACRO.findall(header.read_text()):
                places.setdefault(macro, set()).add(header)
    for file in (ROOT / "runtime_c").rglob("*.[chi]*"):
        for macro in places.keys() & set(MACRO.findall(file.read_text())):
            assert places[macro] == {file}, macro


def test_macros_of_assembly_are_there_whatever_code_is_asked_for() -> None:
    """The package of a single file forgets those of one piece before the next, for any flags."""
    arch = ROOT / "runtime_c" / "arch"
    for file in (*arch.rglob("*.S"), *arch.rglob("*.inc")):
        conditions: list[str] = []
        for line in file.read_text().splitlines():
            if line.startswith("#if"):
                conditions.append(line)
            elif line.startswith("#endif"):
                conditions.pop()
            elif re.match(r"\s*\.macro|#include", line):
                assert "__OPTIMIZE_SIZE__" not in " ".join(conditions), f"{file}: {line}"
