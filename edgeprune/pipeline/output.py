"""Folders that appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgeprune.errors import EdgePruneError

# a folder that has one of these is an earlier result, and may be replaced
MARKS = ("report.json", "analysis.json", "sweep.json", "pareto.json", "extract.json", "fit.json")


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``out`` that takes its place when all went well.

    Raises:
        EdgePruneError: ``out`` cannot be written, or is something other than an earlier result.
    """
    parent = out.resolve().parent
    _refuse_strangers(out)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        temp = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=parent))
    except OSError as error:
        raise EdgePruneError(str(out), f"cannot be written: {error.strerror}") from None
    try:
        yield temp
        temp.chmod(0o755)
        _replace(temp, out)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def write_result(
    out: Path, stem: str, content: Mapping[str, object], page: str, more: Mapping[str, str]
) -> None:
    """Write what was found out about a network: JSON, a page, and other text files.

    Args:
        out: the folder.
        stem: what the JSON and the page are called.
        content: of the JSON.
        page: HTML.
        more: by name, further files.
    """
    with whole_folder(out) as folder:
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        (folder / f"{stem}.json").write_text(text)
        (folder / f"{stem}.html").write_text(page, encoding="utf-8")
        for name, body in more.items():
            (folder / name).write_text(body)


def check_writable(out: Path) -> None:
    """Find out before any long work whether ``out`` can be written.

    Raises:
        EdgePruneError: it cannot.
    """
    _refuse_strangers(out)
    parent = out.resolve().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise EdgePruneError(str(out), f"cannot be written: no permission in {parent}")


def _refuse_strangers(out: Path) -> None:
    if out.is_dir():
        if any(out.iterdir()) and not any((out / m).is_file() for m in MARKS):
            raise EdgePruneError(
                str(out), "holds files that edgeprune did not write", "name another folder with -o"
            )
    elif out.exists() or out.is_symlink():
        raise EdgePruneError(str(out), "is a file, not a folder", "name another folder with -o")


def _replace(temp: Path, out: Path) -> None:
    try:
        if not out.exists():
            temp.rename(out)
            return
        old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=temp.parent))
        out.rename(old / "folder")
        temp.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise EdgePruneError(str(out), f"cannot be written: {error.strerror}") from None
