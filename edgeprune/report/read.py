"""Reads the report of a build, and checks it: it may be somebody else's."""

from __future__ import annotations

import math
from pathlib import Path

from edgeprune.errors import EdgePruneError
from edgeprune.files import read_json
from edgeprune.report.schema import Report
from edgeprune.schema import checked

MOST_BYTES = 64 << 20


def read_report(folder: Path) -> Report:
    """The report of a folder that a build wrote.

    Raises:
        EdgePruneError: it is no such folder, or the report is not one of schema 1.
    """
    path = folder / "report.json"
    where = str(path)
    found = read_json(path, MOST_BYTES, "give the folder that `edgeprune build -o` wrote")
    if not isinstance(found, dict) or found.get("schema") != 1:
        raise EdgePruneError(where, "is no report of schema 1")
    try:
        report = checked(found, Report, where)
        _check_references(report, where)
    except EdgePruneError as error:
        raise EdgePruneError(error.where, error.what, "build the folder again") from None
    return report


def _check_references(report: Report, where: str) -> None:
    """What names or counts another part of the report."""
    noisiest = report.get("noisiest_layer")
    snr = {row["name"]: row["snr_db"] for row in report["layers"]}
    if noisiest is not None and snr.get(noisiest) is None:
        raise EdgePruneError(f"{where}: noisiest_layer", "is no layer with an snr_db")
    run = report["run"]
    is_modelled = run["measured_on"] is None
    has_time = run["cycles"] is not None or run["ms"] is not None
    if is_modelled and (
        (has_time and run["cycles_error"] is None)
        or (run["ms"] is not None and run["clock_hz"] is None)
    ):
        raise EdgePruneError(f"{where}: run", "has a time without its error or clock")
    for i, row in enumerate(report["layers"]):
        if max(row.get("inputs", []), default=-1) >= i:
            what = "takes what comes after it"
            raise EdgePruneError(f"{where}: layers[{i}]", what)
    for i, port in enumerate(report["interface"]["inputs"]):
        size = math.prod(port["shape"])
        if any(first + count > size for first, count in port.get("read") or []):
            what = f"reads beyond its {size} elements"
            raise EdgePruneError(f"{where}: interface: inputs[{i}]", what)
    chosen = report.get("frontier_chosen")
    if chosen is not None and chosen >= len(report.get("frontier", [])):
        raise EdgePruneError(f"{where}: frontier_chosen", f"is {chosen}, beyond the frontier")
    classes = report.get("classes")
    if classes is None:
        return
    matrices = [classes[k] for k in ("confusion_before", "confusion_after")]
    count = len(matrices[0])
    labels = report.get("labels")
    square = all(len(m) == count and all(len(r) == count for r in m) for m in matrices)
    known = labels is None or len(labels) >= count
    if not square or not known or any(row["label"] >= count for row in classes["rows"]):
        what = "its tables and labels do not belong together"
        raise EdgePruneError(f"{where}: classes", what)
