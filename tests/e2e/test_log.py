"""One record of builds: what is written, what is shown, what MLflow gets."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest

import edgeprune as package
from edgeprune.errors import EdgePruneError
from edgeprune.pipeline.tracking import PATIENCE, export
from edgeprune.report.log import read_log
from tests.e2e.conftest import invoke, report_of
from tests.emit.packages import small_cnn


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a record of two builds, the second one smaller."""
    folder = tmp_path_factory.mktemp("project")
    model = small_cnn(folder / "net.onnx", channels=6)
    given = ("--data", model.with_suffix(".npz"), "--criterion", "l2", "--target", "host")
    for name, more in (("whole", ()), ("half", ("--keep-ratio", "0.5"))):
        where = ("--log", folder / "log.jsonl", "-o", folder / name)
        done = invoke("build", model, *given, *more, *where)
        assert done.status == 0, done.err
    return folder


def test_a_build_adds_a_line_with_its_figures_and_hashes(project: Path) -> None:
    whole, half = read_log(project / "log.jsonl")
    report = report_of(project / "half")
    assert half["flash_bytes"] == report["size"]["flash_bytes"] < whole["flash_bytes"]
    assert half["command"] == report["command"]
    assert half["accuracy"] == report["accuracy"]["c"]
    for name in ("report.json", "model.tflite", "model.onnx"):
        content = (project / "half" / name).read_bytes()
        assert half["hashes"][name] == hashlib.sha256(content).hexdigest()
    assert half["hashes"]["c"] != whole["hashes"]["c"]


def test_the_record_shows_what_changed(project: Path) -> None:
    done = invoke("log", "--log", project / "log.jsonl", "--json")
    assert done.status == 0
    first, second = done.json
    change = second["flash_bytes"] - first["flash_bytes"]
    assert f"({change:+,})" in "".join(done.err.split("\n"))
    assert package.log(project / "log.jsonl") == done.json
    told = done.err.splitlines()
    assert [f"{i}: {e['command']}" for i, e in enumerate((first, second), 1)] == told[-2:]


def test_changes_of_accuracy_are_of_what_was_measured_alike(project: Path, tmp_path: Path) -> None:
    first = json.loads((project / "log.jsonl").read_text().splitlines()[0])
    first |= {"accuracy": 0.9, "samples": 100, "measure": "share"}
    numbers = {"accuracy": 0.5, "measure": "r2"}
    rows = [first, first | {"accuracy": 0.8}, first | numbers, first | {"samples": 7}]
    rows.append({name: value for name, value in first.items() if name != "measure"})
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = invoke("log", "--log", tmp_path / "log.jsonl")
    assert done.status == 0, done.err
    shown = " ".join(done.err.split())
    assert "80.00 % (-10.00)" in shown
    assert "R2 50.00 %" in shown
    assert shown.count("(-10.00)") == 1
    assert "+" not in shown.split("80.00 %")[1], "another measure, or other samples: no change"


def test_builds_of_before_are_added(project: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.jsonl"
    done = invoke("log", "--log", new, "--add", project / "whole", "--add", project / "half")
    assert done.status == 0, done.err
    known = read_log(project / "log.jsonl")
    assert [e["hashes"] for e in read_log(new)] == [e["hashes"] for e in known]


def test_a_build_that_the_record_has_is_not_added_again(project: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.jsonl"
    add = ("--add", project / "half")
    for _ in range(2):
        assert invoke("log", "--log", new, *add, *add).status == 0
        assert len(read_log(new)) == 1


def test_a_record_whose_last_line_has_no_end_stays_one(project: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.jsonl"
    new.write_text((project / "log.jsonl").read_text().splitlines()[0])
    done = invoke("log", "--log", new, "--add", project / "half")
    assert done.status == 0, done.err
    assert len(read_log(new)) == 2


def test_nothing_is_added_where_one_of_several_folders_cannot_be(
    project: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    shutil.copytree(project / "half", half)
    new = half / "new.jsonl"
    done = invoke("log", "--log", new, "--add", project / "whole", "--add", half)
    assert done.status == 2
    assert not new.exists()


def test_hashes_are_those_of_the_files_as_they_are(project: Path, tmp_path: Path) -> None:
    changed = tmp_path / "half"
    shutil.copytree(project / "half", changed)
    for name in ("model.tflite", "c/net.h"):
        with (changed / name).open("ab") as file:
            file.write(b"\n")
    before, after = (
        package.log(tmp_path / f"{folder.parent.name}.jsonl", add=[folder])[0]["hashes"]
        for folder in (project / "half", changed)
    )
    digest = hashlib.sha256((changed / "model.tflite").read_bytes()).hexdigest()
    assert after["model.tflite"] == digest != before["model.tflite"]
    assert after["c"] != before["c"]
    assert after["model.onnx"] == before["model.onnx"]


def test_a_record_that_may_not_be_written_is_refused_before_any_work(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text((project / "log.jsonl").read_text())
    monkeypatch.setattr(os, "access", lambda path, mode: path != log)
    done = invoke("build", tmp_path / "no_model.onnx", "--log", log, "-o", tmp_path / "out")
    assert done.status == 2
    assert "no permission" in done.err


@pytest.mark.parametrize("where", ["nowhere/log.jsonl", "out/log.jsonl", "text.jsonl"])
def test_a_record_that_cannot_be_kept_is_refused_before_any_work(
    tmp_path: Path, where: str
) -> None:
    (tmp_path / "text.jsonl").write_text("{}\n")
    (tmp_path / "out").mkdir()
    done = invoke("build", "--log", tmp_path / where, "-o", tmp_path / "out")
    assert done.status == 2
    assert "error: " in done.err
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "line", ["no json", "[]", '{"schema": 2}', "", "[" * 100_000, '{"ms": NaN}', "\xff"]
)
def test_a_line_that_is_no_entry_is_told_by_its_number(
    project: Path, tmp_path: Path, line: str
) -> None:
    bad = tmp_path / "bad.jsonl"
    first = (project / "log.jsonl").read_text().splitlines()[0]
    bad.write_bytes(f"{first}\n{line}\n".encode("latin-1"))
    done = invoke("log", "--log", bad)
    assert done.status == 2
    assert "line 2" in done.err


def test_no_record_says_how_to_get_one(tmp_path: Path) -> None:
    done = invoke("log", "--log", tmp_path / "none.jsonl")
    assert done.status == 2
    assert "--log" in done.err


def test_without_mlflow_it_says_how_to_install_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(EdgePruneError, match="not installed"):
        package.log(project / "log.jsonl", mlflow=str(tmp_path / "runs"))


@pytest.mark.needs("mlflow")
def test_mlflow_gets_a_run_for_each_build_once(project: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    store = tmp_path / "mlruns"
    for new in ("2 of 2", "0 of 2"):
        done = invoke("log", "--log", project / "log.jsonl", "--mlflow", store)
        assert done.status == 0, done.err
        assert new in done.err
    client = MlflowClient(tracking_uri=store.as_uri())
    experiment = client.get_experiment_by_name("edgeprune").experiment_id
    runs: list[Any] = client.search_runs([experiment], order_by=["metrics.flash_bytes"])
    half = json.loads((project / "log.jsonl").read_text().splitlines()[1])
    assert len(runs) == 2
    assert runs[0].data.metrics["flash_bytes"] == half["flash_bytes"]
    assert runs[0].data.params["command"] == half["command"]
    assert runs[0].data.tags["sha256.model.tflite"] == half["hashes"]["model.tflite"]
    kept = {a.path for a in client.list_artifacts(runs[0].info.run_id)}
    assert kept == {"report.json", "report.html"}


@pytest.mark.needs("mlflow")
def test_what_broke_off_on_its_way_to_mlflow_is_given_again(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def fail(*args: object, **more: object) -> None:
        raise MlflowException("the line is gone")

    store = tmp_path / "mlruns"
    give = ("log", "--log", project / "log.jsonl", "--mlflow", store)
    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "log_metric", fail)
        done = invoke(*give)
    assert done.status == 2
    assert "the line is gone" in done.err
    assert "2 of 2" in invoke(*give).err
    client = MlflowClient(tracking_uri=store.as_uri())
    experiment = client.get_experiment_by_name("edgeprune").experiment_id
    runs: list[Any] = client.search_runs([experiment])
    assert len(runs) == 2
    assert all("flash_bytes" in run.data.metrics for run in runs)


@pytest.mark.needs("mlflow")
def test_a_server_that_does_not_answer_is_asked_twice_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in PATIENCE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(PATIENCE, "MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    before, left = dict(os.environ), []

    class Mute(BaseRequestHandler):
        def handle(self) -> None:
            """Read, answer nothing, see whether the client hangs up."""
            self.request.settimeout(5)
            try:
                while self.request.recv(4096):
                    pass
                left.append(True)
            except TimeoutError:
                left.append(False)

    with ThreadingTCPServer(("127.0.0.1", 0), Mute) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(EdgePruneError, match=f"{address}' does not take them"):
            export([], address)
        server.shutdown()
    assert left == [True, True]
    assert {k: v for k, v in os.environ.items() if before.get(k) != v} == {}
