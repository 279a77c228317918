"""Gives a record of builds to MLflow, a run for each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from edgeprune.environment import UNTOLD, unless_set
from edgeprune.errors import EdgePruneError
from edgeprune.pipeline import manifest
from edgeprune.report.log import Entry

EXPERIMENT = "edgeprune"
KEY = "edgeprune.entry"
"""The tag that knows a build again."""
PARAMETERS = (
    "command", "out", "model", "target", "dtype", "seed", "budget_bytes", "edgeprune", "measure",
)  # fmt: skip
METRICS = (
    "flash_bytes", "ram_bytes", "macs", "params", "samples", "accuracy_source", "accuracy",
    "cycles", "ms", "seconds",
)  # fmt: skip
ARTIFACTS = ("report.json", "report.html")
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
"""Seconds and tries more, where the user's environment has no others: less than a minute with the
waits between. MLflow's own, 120 and 7, are a quarter of an hour without a word for a server that
does not answer."""


def export(entries: Sequence[Entry], store: str) -> int:
    """Add the builds that an MLflow store does not have yet.

    A build whose folder is still as it was gets its report as artifacts.

    Args:
        entries: of a record.
        store: a folder, or the address of a server or database as MLflow takes it.

    Returns:
        How many were added.

    Raises:
        EdgePruneError: MLflow is not installed, or does not take them.
    """
    try:
        with unless_set(UNTOLD):
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
    except ImportError:
        raise EdgePruneError(
            "--mlflow", "MLflow is not installed", "pip install 'edgeprune[mlflow]'"
        ) from None
    is_folder = ":" not in store
    # since MLflow 3.7 a folder has to be asked for: servers and databases do more
    asked = {"MLFLOW_ALLOW_FILE_STORE": "true"} if is_folder else {}
    address = Path(store).resolve().as_uri() if is_folder else store
    try:
        with unless_set({**asked, **UNTOLD, **PATIENCE}):
            client = MlflowClient(tracking_uri=address)
            known = client.get_experiment_by_name(EXPERIMENT)
            experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT)
            return sum(_export(client, experiment, entry) for entry in entries)
    except (MlflowException, OSError) as error:
        what = f"{store!r} does not take them: {str(error).splitlines()[0]}"
        raise EdgePruneError(
            "--mlflow", what, "give a folder, or the address of a server"
        ) from None


def _export(client: Any, experiment: str, entry: Entry) -> bool:
    """One build; whether it was new."""
    key = hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
    if client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1):
        return False
    end = round(1000 * datetime.fromisoformat(entry["time"]).timestamp())
    tags = {f"sha256.{name}": digest for name, digest in entry["hashes"].items()}
    tags["sha256.source"] = entry["model_sha256"]
    run = client.create_run(
        experiment,
        start_time=end - round(1000 * entry["seconds"]),
        tags=tags,
        run_name=f"{entry['model']} {entry['target']} {entry['flash_bytes']}",
    ).info.run_id
    try:
        _fill(client, run, entry, end)
        client.set_tag(run, KEY, key)  # last: what broke off before is not taken for done
        client.set_terminated(run, end_time=end)
    except BaseException:
        with suppress(Exception):
            client.delete_run(run)
        raise
    return True


def _fill(client: Any, run: str, entry: Entry, end: int) -> None:
    """Parameters, metrics and artifacts of a build."""
    for name in PARAMETERS:
        if name in entry:
            client.log_param(run, name, entry[name])  # type: ignore[literal-required]
    for name in METRICS:
        value = entry[name]  # type: ignore[literal-required]
        if value is not None:
            client.log_metric(run, name, float(value), timestamp=end)
    folder = Path(entry["out"])
    report = folder / "report.json"
    if report.is_file() and manifest.digest(report) == entry["hashes"].get("report.json"):
        for name in ARTIFACTS:
            if (folder / name).is_file():
                client.log_artifact(run, str(folder / name))
