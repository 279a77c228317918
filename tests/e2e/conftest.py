"""Runs the command line as a user would, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeprune.cli import app


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Outcome]


def invoke(*args: object) -> Outcome:
    result = CliRunner().invoke(app, [str(a) for a in args], prog_name="edgeprune")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="session")
def edgeprune() -> Command:
    """The command line: ``edgeprune("build", "--budget", "64KB")``."""
    return invoke


@pytest.fixture(scope="session")
def built_64k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model at 64 KB."""
    out = tmp_path_factory.mktemp("built") / "b64"
    done = invoke("build", "--budget", "64KB", "-o", out)
    assert done.status == 0, done.err
    return out


def report_of(folder: Path) -> dict[str, Any]:
    """The content of report.json."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


@pytest.fixture(scope="session")
def report() -> Callable[[Path], dict[str, Any]]:
    """Reads a folder's report.json."""
    return report_of


def leftovers(folder: Path) -> Sequence[str]:
    """Names in a folder, hidden ones included."""
    return sorted(p.name for p in folder.iterdir())
