"""Keeps the record of builds: which file, and what is written to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgeprune.errors import EdgePruneError
from edgeprune.pipeline import manifest
from edgeprune.report.log import Entry, entry_of, read_log
from edgeprune.report.schema import read_report
from edgeprune.scratch import locked

FILES = ("report.json", "model.tflite", "model.onnx", "model.ort")
"""Of a build, that a record has hashes of; the C is one more."""


def check_log(path: Path | None, out: Path) -> None:
    """Find out before any work whether a build can be recorded.

    Args:
        path: the record; None: there is none.
        out: the folder that the build writes.

    Raises:
        EdgePruneError: it cannot.
    """
    if path is None:
        return
    where = "--log"
    if not path.parent.is_dir():
        raise EdgePruneError(where, f"there is no folder {path.parent}", "make it, or name another")
    if path.resolve().is_relative_to(out.resolve()):
        what = f"{path} lies in {out}, which the next build replaces"
        raise EdgePruneError(where, what, "name a file beside it")
    if path.exists():
        read_log(path)


def record(path: Path, folder: Path, report: Mapping[str, Any]) -> Entry:
    """Add a build to a record.

    Args:
        path: the record, which is made where there is none.
        folder: what the build wrote.
        report: the content of its report.json.

    Raises:
        EdgePruneError: the record cannot be written.
    """
    time = datetime.now(UTC).isoformat(timespec="seconds")
    entry = entry_of(report, str(folder), _hashes(folder), time)
    line = json.dumps(entry, allow_nan=False) + "\n"
    try:
        with locked(path.parent), path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise EdgePruneError(str(path), f"cannot be written: {error.strerror}") from None
    return entry


def builds(path: Path, add: Sequence[Path] = ()) -> list[Entry]:
    """The builds of a record, oldest first.

    Args:
        path: the record.
        add: folders of builds that are added to it first.

    Raises:
        EdgePruneError: a folder is no build's, or the record is none.
    """
    reports = [(folder, read_report(folder)) for folder in add]
    for folder, report in reports:
        check_log(path, folder)
        record(path, folder, report)
    return read_log(path)


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of the artifacts, as the folder's list of files has them."""
    listed = manifest.read(folder)
    found = {name: listed[name] for name in FILES if name in listed}
    rows = [f"{digest}  {name}\n" for name, digest in sorted(listed.items()) if name[:2] == "c/"]
    if rows:
        found["c"] = hashlib.sha256("".join(rows).encode()).hexdigest()
    return found
