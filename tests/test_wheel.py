"""The wheel holds all that the package needs at run time."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout and unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def ask(installed: Path, code: str) -> str:
    """What a program prints that sees the unpacked wheel and not the checkout."""
    # -P: the current folder is not searched; PYTHONPATH comes before an editable install.
    out = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=installed.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return out.stdout.strip()


def test_the_runtime_the_targets_and_the_model_travel_inside(installed: Path) -> None:
    code = (
        "from edgeprune import bundled, resources\n"
        "print(resources.runtime_dir(), resources.targets_dir(), resources.license_file(),"
        " bundled.model_path(), bundled.data_path(), sep='\\n')"
    )
    paths = [Path(line) for line in ask(installed, code).splitlines()]
    assert all(p.exists() and p.is_relative_to(installed) for p in paths), paths


def test_runtime_and_targets_are_the_ones_of_the_checkout(installed: Path) -> None:
    for name in ("runtime_c", "targets"):
        there, here = installed / "edgeprune" / "_data" / name, ROOT / name
        files = {p.relative_to(there): p.read_bytes() for p in there.rglob("*") if p.is_file()}
        assert files
        assert all((here / p).read_bytes() == content for p, content in files.items())


def test_the_wheel_is_small_enough_to_fetch_without_a_thought(installed: Path) -> None:
    assert sum(p.stat().st_size for p in installed.rglob("*") if p.is_file()) < 8_000_000
