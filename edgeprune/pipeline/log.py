"""Keeps the record of builds: which file, and what is written to it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from edgeprune.errors import EdgePruneError
from edgeprune.files import append_line
from edgeprune.pipeline import manifest
from edgeprune.report.log import Entry, entry_of, read_log
from edgeprune.report.read import read_report
from edgeprune.report.schema import Report
from edgeprune.scratch import locked
from edgeprune.verify import agreement

FILES = ("report.json", *(name for name, _ in agreement.FILES.values()))
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
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise EdgePruneError(where, f"{path} cannot be written: no permission", "name another")


def record(path: Path, folder: Path, report: Report) -> Entry:
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
    with locked(path.parent):
        append_line(path, json.dumps(entry, allow_nan=False))
    return entry


def builds(path: Path, add: Sequence[Path] = ()) -> list[Entry]:
    """The builds of a record, oldest first.

    Args:
        path: the record.
        add: folders of builds that are added to it first, where it does not have them yet.

    Raises:
        EdgePruneError: a folder is no build's, or the record is none; then nothing is added.
    """
    reports = [(folder, read_report(folder)) for folder in add]
    for folder in add:
        check_log(path, folder)
    known = [entry["hashes"] for entry in read_log(path)] if path.exists() else []
    for folder, report in reports:
        if _hashes(folder) not in known:
            known.append(record(path, folder, report)["hashes"])
    return read_log(path)


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of the artifacts as they are now, whatever was changed since they were built."""
    there = {p.relative_to(folder).as_posix(): p for p in (folder / "c").rglob("*")}
    there |= {name: folder / name for name in FILES}
    listed = {name: manifest.digest(p) for name, p in sorted(there.items()) if p.is_file()}
    found = {name: listed[name] for name in FILES if name in listed}
    rows = [f"{digest}  {name}\n" for name, digest in listed.items() if name[:2] == "c/"]
    if rows:
        found["c"] = hashlib.sha256("".join(rows).encode()).hexdigest()
    return found
