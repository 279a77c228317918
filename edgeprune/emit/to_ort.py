"""ORT format files, for ONNX Runtime Mobile: made by ONNX Runtime's own converter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from edgeprune.errors import EdgePruneError
from edgeprune.scratch import workspace

CONFIG = "required_operators.config"
"""The file that a minimal build of ONNX Runtime takes as ``--include_ops_by_config``."""

_CONVERTER = "onnxruntime.tools.convert_onnx_models_to_ort"
_LEVEL = "ORT_CONVERT_ONNX_MODELS_TO_ORT_OPTIMIZATION_LEVEL"
_SECONDS = 600


def convert(content: bytes) -> tuple[bytes, bytes]:
    """An ``.onnx`` file as an ``.ort`` file, optimised for Arm, and the operators that it needs.

    The converter prints and changes how the process logs, so it runs in one of its own; without
    address randomisation where the system allows that, as it writes tables in the order of their
    hashes, which begin with an address.

    Args:
        content: the ``.onnx`` file.

    Returns:
        The ``.ort`` file, and the text of ``required_operators.config``.

    Raises:
        EdgePruneError: ONNX Runtime does not convert it.
    """
    with TemporaryDirectory(dir=workspace(), prefix="ort-") as temp:
        folder = Path(temp)
        (folder / "model.onnx").write_bytes(content)
        arguments = ["--optimization_style", "Fixed", "--target_platform", "arm", "model.onnx"]
        command = [sys.executable, "-m", _CONVERTER, *arguments]
        steady = [s, "-R"] if (s := shutil.which("setarch")) else []
        done = _run([*steady, *command], folder)
        if done.returncode and steady:
            done = _run(command, folder)
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise EdgePruneError("--emit ort", f"ONNX Runtime does not convert the model: {why}")
        config = (folder / f"model.{CONFIG}").read_text()
        return (folder / "model.ort").read_bytes(), _without_paths(config).encode()


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != _LEVEL}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _without_paths(config: str) -> str:
    lines = [line for line in config.splitlines() if line and not line.startswith("#")]
    return "\n".join(["# What model.ort needs of ONNX Runtime", *lines, ""])
