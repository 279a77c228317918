"""Libraries that tell their makers that they are used do not where edgeprune asks them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeprune.environment import UNTOLD, unless_set
from edgeprune.toolchain import objects

HUSHED = {*UNTOLD, "CI", "PYTEST_CURRENT_TEST", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"}
"""What silences them, here or where tests run; all taken out, so that edgeprune has to."""


def _said(code: str, **environment: str) -> str:
    """What a fresh process prints."""
    env = {k: v for k, v in os.environ.items() if k not in HUSHED} | environment
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def test_tests_use_one_cache_directory_a_session_and_not_the_users(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    base = tmp_path_factory.getbasetemp()
    session = base.parent if hasattr(request.config, "workerinput") else base
    code = "from edgeprune.toolchain import objects; print(objects.folder())"
    assert objects.folder() == session / "cache" / "edgeprune"
    assert _said(code) == f"{objects.folder()}\n"


def test_libraries_that_tests_import_themselves_tell_nobody() -> None:
    assert UNTOLD.items() <= os.environ.items()


def test_variables_are_set_for_a_while_unless_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPRUNE_ONE", "mine")
    monkeypatch.delenv("EDGEPRUNE_TWO", raising=False)
    before = dict(os.environ)
    with unless_set({"EDGEPRUNE_ONE": "other", "EDGEPRUNE_TWO": "new"}):
        assert os.environ["EDGEPRUNE_ONE"] == "mine"
        assert os.environ["EDGEPRUNE_TWO"] == "new"
    assert dict(os.environ) == before


def test_onnx_runtime_leaves_no_identifier_of_the_machine(tmp_path: Path) -> None:
    code = (
        "from edgeprune.errors import EdgePruneError\n"
        "from edgeprune.verify.run_onnx import session\n"
        "try: session(b'no model')\n"
        "except EdgePruneError: print('asked')\n"
    )
    assert _said(code, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache")) == "asked\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("mlflow")
def test_mlflow_counts_nobody(tmp_path: Path) -> None:
    code = (
        "from edgeprune.pipeline.tracking import export\n"
        f"export([], {str(tmp_path)!r})\n"
        "from mlflow.telemetry import get_telemetry_client\n"
        "print(get_telemetry_client())\n"
    )
    assert _said(code) == "None\n"
