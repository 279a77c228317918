"""A model for a phone: a file that is shipped, and no firmware."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgeprune.compiler.tiles import TILE
from edgeprune.errors import CannotFitError
from edgeprune.pipeline import choose, fitter
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.phone import NEARER, work_left
from edgeprune.pipeline.prepare import prepare
from edgeprune.pruning import obs
from edgeprune.pruning.pruned import Pruned
from edgeprune.target import load_target
from edgeprune.verify import speed
from edgeprune.verify.speed import Speed
from tests.e2e.conftest import Command, report_of
from tests.e2e.test_bad_input import dense_model, samples
from tests.emit.packages import small_mlp


def test_a_phone_gets_eight_bits_where_accuracy_allows_and_no_word_of_firmware(
    edgeprune: Command, tmp_path: Path
) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), tmp_path / "d.npz"
    rng = np.random.default_rng(0)
    clear = 4 * np.eye(4)[rng.integers(0, 4, 200)]  # eight bits tell these apart
    np.savez(data, x=(clear + 0.1 * rng.normal(size=(200, 4))).astype(np.float32))
    given = (model, "--data", data, "--target", "android", "--package", "android,ios")
    done = edgeprune("build", *given, "--budget", "8KB", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    whole = edgeprune("build", *given, "-o", tmp_path / "whole")
    assert whole.status == 0, whole.err
    for folder, said in ((tmp_path / "out", done.err), (tmp_path / "whole", whole.err)):
        report = report_of(folder)
        assert report["dtype"] == "int8"
        assert report["size"]["flash_bytes"] == (folder / "model.tflite").stat().st_size
        page = (folder / "report.html").read_text()
        visible = re.sub(r"<(style|script|svg).*?</\1>", "", page, flags=re.DOTALL)
        readmes = [(folder / f"packages/{k}/m/README.md").read_text() for k in ("android", "ios")]
        for text in (said, visible, *readmes):
            assert ".tflite" in text
            assert "XNNPACK" in text
            assert not re.search(r"flash|firmware|linked|stack|on the core", text, re.IGNORECASE)
        for word in ("<h2>The arena</h2>", "cycles</th>", "kernel</th>", "linked and judged"):
            assert word not in page
    assert "8,192 bytes of the .tflite file" in done.err


def test_a_budget_that_no_file_meets_names_the_file(edgeprune: Command, tmp_path: Path) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), samples(tmp_path / "d.npz")
    given = (model, "--data", data, "--target", "android", "--budget", "200")
    done = edgeprune("build", *given, "-o", tmp_path / "out")
    assert done.status == 1
    assert "bytes of the .tflite file" in done.err
    assert not re.search("flash|RAM|stack", done.err)


def test_without_a_budget_a_float_is_built_only_where_eight_bits_cost_accuracy(
    edgeprune: Command, tmp_path: Path
) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), samples(tmp_path / "d.npz")
    given = (model, "--data", data, "--target", "host")
    done = edgeprune("build", *given, "-o", tmp_path / "out")
    assert done.status == 0, done.err
    report = report_of(tmp_path / "out")
    tried = {row["label"].split(",")[0]: row["accuracy"] for row in report["frontier"]}
    if "float32" in tried:
        assert tried["float32"] - tried["int8"] > 0.005
    else:
        assert report["dtype"] == "int8"


@pytest.mark.slow
def test_a_phone_reads_the_whole_input_as_its_delegate_does_not_gather(
    edgeprune: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    model, x = small_mlp(tmp_path / "m.onnx", inputs=40, hidden=64), tmp_path / "d.npz"
    seen = rng.normal(size=(300, 40)).astype(np.float32)
    seen[:, 25:] *= 0.01  # inputs that hardly matter: a board's firmware would not read them
    np.savez(x, x=seen)
    given = (model, "--data", x, "--dtype", "int8", "--emit", "tflite", "--budget", "4800")
    build = ("build", *given, "--target", "android", "-o", tmp_path / "out")
    done = edgeprune(*build)
    assert done.status == 0, done.err
    assert report_of(tmp_path / "out")["app"]["outside_delegate"] == []
    assert "all operators inside of XNNPACK" in done.err
    monkeypatch.setattr(fitter, "with_inputs", lambda choose, accuracy, timed: choose())
    assert edgeprune(*build).status == 0
    assert "GATHER" in report_of(tmp_path / "out")["app"]["outside_delegate"]


@pytest.mark.slow
def test_a_speed_up_is_measured_and_more_goes_until_it_is_reached(
    edgeprune: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the shapes that are too slow, twice, those that are not, and these with their last weights
    times = iter([*[Speed(3.0, 2.0)] * 2, *[Speed(3.0, 1.4)] * 2])
    monkeypatch.setattr(speed, "speed", lambda before, after: next(times))
    solved: list[Pruned] = []
    solve = obs.Search.solve

    def counted(search: obs.Search, chosen: Pruned, *how: Any) -> Pruned:
        solved.append(chosen)
        return solve(search, chosen, *how)

    monkeypatch.setattr(obs.Search, "solve", counted)
    model = small_mlp(tmp_path / "m.onnx", inputs=20, hidden=64)
    given = (model, "--data", model.with_suffix(".npz"), "--dtype", "int8", "--speedup", "2x")
    done = edgeprune("build", *given, "--target", "android", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    report = report_of(tmp_path / "out")
    assert report["app"]["speedup"] == round(3.0 / 1.4, 3)
    # half of the work, of which a third of the time went, was too little for half of the time
    assert report["after"]["macs"] <= (1 - 1 / 2 / (1 - 1 / 1.5) / 2) * report["before"]["macs"]
    assert report["after"]["channels"]["hidden"] % TILE == 0, "a part of a tile takes as long"
    assert report["app"]["outside_delegate"] == []
    assert "2.14 times as fast" in done.err
    assert len(solved) == 1, "nothing is solved for a network that is too slow"
    times = iter([Speed(1.0, 1.0)] * 2 * choose.SPEED_TRIES)
    never = edgeprune("build", *given, "--target", "android", "-o", tmp_path / "never")
    assert never.status == 1
    assert "networks that were timed on this machine the fastest was 1.00 times as" in never.err
    board = edgeprune("build", *given, "--target", "cortex-m4", "-o", tmp_path / "board")
    assert board.status == 2
    assert "--max-ms" in board.err


def test_a_file_in_float16_keeps_its_budget_and_a_board_has_none(
    edgeprune: Command, tmp_path: Path
) -> None:
    model = small_mlp(tmp_path / "m.onnx", inputs=64, hidden=64)
    given = ("build", model, "--data", model.with_suffix(".npz"), "--dtype", "float16")
    phone = (*given, "--target", "android", "--criterion", "l2", "--package", "android")
    whole = edgeprune(*phone, "-o", tmp_path / "whole")
    assert whole.status == 0, whole.err
    report = report_of(tmp_path / "whole")
    assert report["dtype"] == "float16"
    assert report["app"]["outside_delegate"] == []
    least = 2 * 64 * 64
    assert least < report["size"]["flash_bytes"] < 2 * least
    shipped = tmp_path / "whole" / "packages" / "android" / "m" / "app/src/main/assets/model.tflite"
    assert shipped.stat().st_size < 2 * least
    small = edgeprune(*phone, "--budget", "7500", "-o", tmp_path / "small")
    assert small.status == 0, small.err
    assert 6000 < report_of(tmp_path / "small")["size"]["flash_bytes"] <= 7500
    assert edgeprune("verify", tmp_path / "small").status == 0
    board = edgeprune(*given, "--target", "cortex-m4", "-o", tmp_path / "board")
    assert board.status == 2
    assert "--dtype" in board.err


def test_a_file_with_int8_weights_needs_no_samples_and_is_verified_within_a_bound(
    edgeprune: Command, tmp_path: Path
) -> None:
    model = small_mlp(tmp_path / "m.onnx", inputs=64, hidden=64)
    phone = ("build", model, "--dtype", "dynamic", "--target", "android")
    bare = edgeprune(*phone, "--package", "android", "-o", tmp_path / "bare")
    assert bare.status == 0, bare.err
    assert "rounded in every call" in bare.err
    data = ("--data", model.with_suffix(".npz"), "--criterion", "l2", "--budget", "5000")
    small = edgeprune(*phone, *data, "-o", tmp_path / "small")
    assert small.status == 0, small.err
    for name, most in (("bare", 64 * 64 + 4500), ("small", 5000)):
        report = report_of(tmp_path / name)
        assert report["dtype"] == "dynamic"
        assert report["layers"][0]["bits"] == 8
        assert report["size"]["flash_bytes"] <= most
        told = report["agreement"]
        assert told["c_vs_tflite_mismatches"] == 0
        assert 1e-5 < told["c_vs_tflite_max_relative"] <= told["c_vs_tflite_within"] < 0.2
        assert edgeprune("verify", tmp_path / name).status == 0
        assert "rounded in every call" in (tmp_path / name / "report.html").read_text()
    assert report_of(tmp_path / "small")["size"]["flash_bytes"] > 4000
    board = edgeprune(*phone[:-1], "cortex-m4", "-o", tmp_path / "board")
    assert board.status == 2
    assert "--dtype" in board.err


def test_a_damaged_file_with_int8_weights_does_not_verify(
    edgeprune: Command, tmp_path: Path
) -> None:
    model = small_mlp(tmp_path / "m.onnx", inputs=64, hidden=64)
    given = ("build", model, "--dtype", "dynamic", "--target", "android", "-o", tmp_path / "out")
    assert edgeprune(*given).status == 0
    file = tmp_path / "out" / "model.tflite"
    content = schema.ModelT.InitFromPackedBuf(file.read_bytes())
    longest = max(content.buffers, key=lambda b: 0 if b.data is None else len(b.data))
    longest.data = np.roll(np.asarray(longest.data), 64)
    builder = flatbuffers.Builder()
    builder.Finish(content.Pack(builder), b"TFL3")
    file.write_bytes(bytes(builder.Output()))
    for dtype, within in (("dynamic", None), ("float32", 1e9)):
        report = report_of(tmp_path / "out")
        if within is not None:  # somebody's report does not say what is right
            report["agreement"]["c_vs_tflite_within"] = within
            report["agreement"]["tflite_default"] = None
            report["dtype"] = dtype
            (tmp_path / "out" / "report.json").write_text(json.dumps(report))
        done = edgeprune("verify", tmp_path / "out")
        assert done.status == 1, (dtype, within)


def test_a_speed_up_that_no_network_has_is_refused_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_mlp(tmp_path / "m.onnx", inputs=20, hidden=32)
    given = (tmp_path / "out", model, model.with_suffix(".npz"))
    options = BuildOptions(*given, dtype="int8", target="android", speedup=100)

    def refused(*_: object) -> None:
        raise CannotFitError("--max-macs", "the smallest takes 9, the limit is 7", "a larger one")

    chooser = choose.Chooser(prepare(options), options)
    monkeypatch.setattr(choose.Chooser, "_outline", refused)
    with pytest.raises(CannotFitError, match=r"--speedup: 100 times as fast wants \d"):
        chooser.choose(load_target("android"))


@pytest.mark.parametrize(
    ("left", "ratio", "asked", "share"),
    [
        (0.6, 1.5, 2.0, 0.4),  # 0.4 of the work was a third of the time, half of it is wanted
        (0.5, 1.6, 1.7, 1 - 0.5 * (0.7 / 1.7) / (0.6 / 1.6)),
        (0.6, 1.0, 2.0, 0.3),  # no faster: half of it, at most so far at once
        (0.9, 1.01, 2.0, 0.45),
        (0.6, 2.1, 2.0, 0.6),  # and never more than there is
    ],
)
def test_the_next_network_that_is_timed_has_the_work_that_the_last_one_suggests(
    left: float, ratio: float, asked: float, share: float
) -> None:
    assert work_left(left, ratio, asked) == pytest.approx(NEARER * share)
