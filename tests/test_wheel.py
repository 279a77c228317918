"""The wheel holds all that the package needs at run time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from email import message_from_string
from email.message import Message
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


@pytest.fixture(scope="module")
def described(installed: Path) -> Message:
    """What a package index shows."""
    (file,) = installed.glob("*.dist-info/METADATA")
    return message_from_string(file.read_text())


def test_no_link_of_the_long_description_leads_nowhere(described: Message) -> None:
    text = described.get_payload()
    assert isinstance(text, str)
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert not [link for link in links if not link.startswith("https://")]
    assert "## Your own model" in text


def test_the_package_names_its_authors_and_no_address_that_is_none(described: Message) -> None:
    assert described["Author"] == "The edgeprune authors"
    assert not [url for url in described.get_all("Project-URL", []) if "example" in url]


def test_only_the_python_that_tests_run_on_is_claimed(described: Message) -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(described.get_all("Classifier", [])))
    assert named == ["3.11"]


def test_there_is_one_truth_about_the_release_of_torch() -> None:
    (asked,) = re.findall(r'"torch>=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    (told,) = re.findall(r"any release from ([\d.]+) on", (ROOT / "CONTRIBUTING.md").read_text())
    (pinned,) = re.findall(r"^TORCH \?= ([\d.]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert asked == told
    assert tuple(map(int, pinned.split("."))) >= tuple(map(int, asked.split(".")))
