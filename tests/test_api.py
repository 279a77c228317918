"""From Python: every command has its function, and arguments say what was meant."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import edgeprune
from edgeprune import bundled
from edgeprune.arguments import named
from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.ir import Samples
from edgeprune.pipeline.fitter import Fitter
from edgeprune.pipeline.forms import Form
from edgeprune.pipeline.notes import notes_of
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import prepare
from edgeprune.pipeline.values import meant, parse_classes, parse_levels, parse_names
from edgeprune.pruning.search import strategy
from edgeprune.report.summary import advice
from edgeprune.target import load_target
from tests.e2e.test_bad_input import dense_model, samples
from tests.emit.packages import small_mlp

FUNCTIONS = {
    "build": edgeprune.build,
    "fit": edgeprune.fit,
    "analyze": edgeprune.analyze,
    "sweep": edgeprune.sweep,
    "extract": edgeprune.extract,
    "verify": edgeprune.verify_folder,
    "run": edgeprune.run,
    "flash": edgeprune.flash,
    "report": edgeprune.report_folder,
    "compare": edgeprune.compare,
    "log": edgeprune.log,
    "explore": edgeprune.explore,
}
TABLES = {"targets", "ops", "doctor"}


def test_every_command_has_its_function() -> None:
    from edgeprune.cli import app

    assert set(FUNCTIONS) == set(app.commands) - TABLES


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_option_of_a_command_is_a_typed_argument(name: str) -> None:
    from edgeprune.cli import app

    known = inspect.signature(FUNCTIONS[name]).parameters
    renamed = {"target": "on", "no_pictures": "pictures"}
    renamed |= {"folder_a": "a", "folder_b": "b"}
    only_there = {"as_json", "quiet", "verbose", "markdown", "junit"}
    if name == "explore":
        only_there |= {"serve", "port"}  # a page for a browser, until Ctrl-C
    options = {p.name for p in app.commands[name].params if p.name not in only_there}
    missing = {o for o in options if o not in known and renamed.get(str(o)) not in known}
    assert not missing
    assert all(p.annotation is not inspect.Parameter.empty for p in known.values())
    assert not [p for p in known.values() if p.kind is p.VAR_KEYWORD]


def test_every_option_of_a_build_is_explained() -> None:
    text = inspect.getdoc(edgeprune.build) or ""
    known = inspect.signature(edgeprune.build).parameters
    assert not [name for name in known if f"\n    {name}: " not in text]
    assert {f.name for f in fields(BuildOptions)} - {"command"} <= set(known)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_misspelt_argument_says_which_was_meant(name: str) -> None:
    known = list(inspect.signature(FUNCTIONS[name]).parameters)
    meant = known[-1]
    wrong = meant[:-1] + "xx" if len(meant) > 3 else meant * 2
    with pytest.raises(EdgePruneError, match="no argument") as caught:
        FUNCTIONS[name](**{wrong: 1})
    assert "did you mean" in caught.value.hint or ", ".join(known) in caught.value.hint
    with pytest.raises(EdgePruneError, match="did you mean budget="):
        edgeprune.build(budjet="64KB")  # type: ignore[call-arg]


def test_a_value_too_many_by_position_says_which_are_taken() -> None:
    with pytest.raises(EdgePruneError, match="takes model and example_input by position") as caught:
        edgeprune.build(None, None, "samples.npz")  # type: ignore[misc]
    assert "data=" in caught.value.hint


@pytest.mark.parametrize(("count", "said"), [(1, "a"), (2, "a and b"), (3, "a, b and c")])
def test_a_value_too_many_where_all_are_by_position_is_said_without_a_hint(
    count: int, said: str
) -> None:
    function = {1: lambda a: a, 2: lambda a, b: (a, b), 3: lambda a, b, c: (a, b, c)}[count]
    with pytest.raises(EdgePruneError, match=f"takes {said} by position, got 4") as caught:
        named(function)(1, 2, 3, 4)
    assert not caught.value.hint
    with pytest.raises(EdgePruneError, match="takes folder by position, got 2"):
        edgeprune.report_folder("out", "more")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "word"),
    [(torch.nn.Linear, "Linear()"), ({}, "load_state_dict"), (Fitter, "give its path")],
)
def test_what_is_nearly_a_module_is_told_how_it_becomes_one(given: object, word: str) -> None:
    with pytest.raises(EdgePruneError, match="is no torch") as caught:
        edgeprune.build(given, data=np.zeros((4, 2), np.float32))
    assert word in caught.value.hint


def test_values_that_are_none_are_refused_as_on_the_command_line() -> None:
    with pytest.raises(EdgePruneError, match="dtype: must be one of auto, int8"):
        edgeprune.build(dtype="int9")  # type: ignore[arg-type]
    for wrong in ({"criterion": "l9"}, {"emit": ("exe",)}, {"packages": ("cobol",)}):
        with pytest.raises(EdgePruneError, match="there is no"):
            edgeprune.build(**wrong)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("keep_ratio", 2), ("keep_ratio", "a"), ("max_neurons", 0), ("max_neurons", 1.5),
        ("max_ms", -1.0), ("max_ms", float("nan")), ("seed", -1), ("seed", "x"), ("jobs", 0),
        ("finetune", -1), ("min_accuracy", 90), ("zeta", 3), ("max_macs", "1M"), ("speedup", 0),
        ("max_instructions", True), ("jobs", None), ("classes", ["a"]), ("classes", 0.5),
        ("mean", "half"), ("std", float("inf")), ("bits", 9), ("criterion", "l3"),
        ("std", 0), ("std", [1, -2]),
        ("schedule", "now"), ("speedup", 0.5), ("speedup", 1), ("classes", [[1], [2, 3]]),
        ("criterion", ["l1"]), ("emit", 5), ("emit", [b"c"]), ("packages", {"make": 1}),
        ("target", 5), ("target", ["cortex-m4"]), ("device", None), ("stream", "no"),
        ("augment", 1), ("author", 5), ("out", 5), ("log", b"log"), ("log", "a\0b"),
        ("progress", 1), ("labels", 5), ("labels", ["cat"]), ("state", 5), ("mean", {}),
    ],
)  # fmt: skip
def test_numbers_that_an_option_cannot_be_are_refused_before_any_work(
    option: str, value: object
) -> None:
    with pytest.raises(EdgePruneError) as caught:
        edgeprune.build("nowhere.onnx", **{option: value})
    assert caught.value.where.split("[")[0] == option


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("dtype", "float16"), ("dtype", "int4"), ("runs", 0), ("runs", 1.5), ("runs", None),
        ("levels", 0), ("levels", [10, 120]), ("levels", "ten"), ("levels", {}),
        ("levels", []), ("criteria", 5), ("pareto", "yes"), ("journal", 5),
    ],
)  # fmt: skip
def test_what_a_sweep_cannot_be_of_is_refused_before_any_work(option: str, value: object) -> None:
    with pytest.raises(EdgePruneError) as caught:
        edgeprune.sweep("nowhere.onnx", **{option: value})
    assert caught.value.where == option


@pytest.mark.parametrize(
    ("option", "value"), [("runs", 7), ("journal", "j"), ("criteria", ("l1", "l2"))]
)
def test_what_a_frontier_does_not_look_at_is_refused(option: str, value: object) -> None:
    with pytest.raises(EdgePruneError, match="with pareto") as caught:
        edgeprune.sweep("nowhere.onnx", pareto=True, **{option: value})  # type: ignore[arg-type]
    assert caught.value.where == option


def test_a_share_of_activity_is_refused_where_a_build_takes_no_part_of_a_network() -> None:
    with pytest.raises(EdgePruneError, match="zeta: does nothing without classes"):
        edgeprune.build("nowhere.onnx", zeta=0.9)
    with pytest.raises(EdgePruneError, match=r"nowhere\.onnx"):
        edgeprune.extract("nowhere.onnx", zeta=0.9)


def test_a_record_made_from_python_tells_what_was_asked_for(tmp_path: Path) -> None:
    model = small_mlp(tmp_path / "m.onnx", inputs=8, hidden=8)
    asked: dict[str, Any] = {"keep_ratio": 0.5, "finetune": 1, "packages": "make,cmake"}
    given = {"data": model.with_suffix(".npz"), "criterion": "l2", "target": "host"}
    report = edgeprune.build(model, **given, **asked, emit="c", out=tmp_path / "out").report
    assert report["finetune"] == 1
    assert report["packages"] == ["make", "cmake"]
    assert not [a for a in advice(report) if a.options.startswith(("--package", "--finetune"))]


def test_what_is_not_pruned_is_not_said_to_be_trained(tmp_path: Path) -> None:
    model = small_mlp(tmp_path / "m.onnx", inputs=8, hidden=8)
    given: dict[str, Any] = {"data": model.with_suffix(".npz"), "target": "host", "finetune": 5}
    whole = edgeprune.build(model, **given, dtype="int8", emit="tflite", out=tmp_path / "whole")
    file = whole.out / "model.tflite"
    kept = edgeprune.build(file, **given, budget="1MB", emit="c", out=tmp_path / "kept")
    for made in (whole, kept):
        assert made.report["finetune"] == 0
        assert "--finetune 5 does nothing here: no channel goes" in made.notes


def test_the_smallest_network_is_not_said_to_be_trained_where_training_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise CannotFitError("--budget", "is too small")

    path, holds = small_mlp(tmp_path / "m.onnx", inputs=8, hidden=8), iter([True, False])
    data = path.with_suffix(".npz")
    asked = BuildOptions(tmp_path, path, data, keep_ratio=0.5, finetune=2, criterion="l2")
    prepared = prepare(asked)
    by_l2 = strategy(prepared.float_graph, prepared.rank, "l2", validation=prepared.validation)
    fitter = Fitter(prepared, asked, Form("int8", "size", load_target("host")), by_l2)
    assert fitter.fit().epochs == 2
    monkeypatch.setattr(Fitter, "_within", never)
    monkeypatch.setattr(Fitter, "_holds", lambda *_: next(holds))
    made = fitter.fit()
    assert made.epochs == 0
    said = "--finetune 2 does nothing here: what it makes does not fit"
    assert said in notes_of(asked, made, prepared, prepared.reference)


def test_numbers_of_numpy_are_numbers() -> None:
    given = BuildOptions(Path("o"), seed=np.int64(3), keep_ratio=np.float32(0.5))  # type: ignore[arg-type]
    assert given.seed == 3
    for few in (np.array([7, 3, 3]), [3, 7], {3, 7}, (n for n in (7, 3)), torch.tensor([3, 7])):
        assert parse_classes(few) == (3, 7)
    assert parse_classes(4) == parse_classes("4") == (4,)


def test_a_value_is_the_same_from_python_as_from_the_command_line() -> None:
    for typed, there in {
        "10:40:10": [10, 20, 30, 40],
        "10": 10,
        "12.5,20": (12.5, np.float32(20)),
        "8KB,16KB": ["8KB", "16384B"],
    }.items():
        assert parse_levels(typed) == parse_levels(there)
    assert parse_levels([10, 20]) == parse_levels(np.array([10, 20])) == ((0.1, 0.2), "share")
    typed_all = {
        "mean": "0.5,0.25", "std": "2", "budget": "64KB", "ram": "1024", "speedup": "2x",
        "max_drop": "0.001%", "classes": "7,3", "labels": "cat,dog", "emit": "c, tflite",
        "packages": "make", "bits": "4", "out": "o",
    }  # fmt: skip
    as_objects = {
        "mean": np.array([0.5, 0.25]), "std": 2, "budget": 65536, "ram": np.int64(1024),
        "speedup": 2.0, "max_drop": 1e-5, "classes": {3, 7}, "labels": ["cat", "dog"],
        "emit": ["c", "tflite"], "packages": ("make",), "bits": 4, "out": Path("o"),
    }  # fmt: skip
    assert BuildOptions.of(**typed_all) == BuildOptions.of(**as_objects)
    assert len(meant({"packages": "all"})["packages"]) >= 10


CALLS: dict[str, list[str]] = {
    "run": ["nowhere"], "verify": ["nowhere"], "report": ["nowhere"], "log": ["nowhere"],
    "compare": ["nowhere", "here"], "flash": ["nowhere", "nucleo-f446re"],
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_whatever_an_argument_is_given_there_is_one_message_and_no_traceback(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything may be given; what is taken goes on to the model, which is not there."""
    monkeypatch.chdir(tmp_path)
    odd = [5, -0.5, b"x", "", "a,,b", None, {"a": 1}, [[1], [2, 3]], [None], object(), range(3)]
    odd += [1 << 70, float("nan"), np.zeros((2, 2)), np.array("x"), Path("/")]
    known = inspect.signature(FUNCTIONS[name]).parameters
    given = dict(zip(known, CALLS.get(name, ["nowhere.onnx"]), strict=False))
    for argument in known:
        if argument in ("model", "data", "test", "example_input"):
            continue  # objects, which have their own tests
        for value in odd:
            with pytest.raises(EdgePruneError):
                FUNCTIONS[name](**given | {argument: value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_go_to_other_processes_by_name(name: str) -> None:
    assert pickle.loads(pickle.dumps(FUNCTIONS[name])) is FUNCTIONS[name]


def test_public_functions_of_the_library_check_what_they_are_given() -> None:
    with pytest.raises(EdgePruneError, match="graph: must be a Graph, is 5"):
        edgeprune.fold(5)  # type: ignore[arg-type]
    with pytest.raises(EdgePruneError, match="path: must be a string or a path"):
        edgeprune.load(5)  # type: ignore[arg-type]
    net = edgeprune.load(bundled.model_path())
    data = Samples(np.zeros((8, 784), np.float32))
    with pytest.raises(EdgePruneError, match="keep_ratio: must lie between 0 and 1, is 2"):
        edgeprune.prune(net, data, keep_ratio=2)
    with pytest.raises(EdgePruneError, match=r"^criteria: there is no 'l9'"):
        edgeprune.sweep("net.onnx", data="x.npz", criteria="l9")
    with pytest.raises(EdgePruneError, match="criterion: must be a string or a Criterion, is 5"):
        edgeprune.prune(net, data, criterion=5)  # type: ignore[arg-type]


def test_errors_and_hints_speak_of_arguments_and_leave_commands_alone(tmp_path: Path) -> None:
    net = torch.nn.Linear(10, 5)
    for wrong, said in (
        ({"dtype": "int8"}, "give samples for the model: data samples.npz; or dtype float32; or,"),
        ({"data": net.weight, "speedup": 2}, "target android or ios; boards have max_ms"),
    ):
        with pytest.raises(EdgePruneError) as caught:
            edgeprune.build(net, torch.zeros(1, 10), out=tmp_path / "o", **wrong)
        assert said in str(caught.value)
        assert "--" not in str(caught.value)
    with pytest.raises(EdgePruneError, match="`edgeprune build --log FILE`"):
        edgeprune.log(tmp_path / "none")
    with pytest.raises(EdgePruneError, match="inputs: must be a tuple, is a list"):
        edgeprune.fold(edgeprune.load(bundled.model_path()), [0, 1])  # type: ignore[arg-type]


def test_what_is_wrong_with_an_object_is_said_of_the_argument(rng: np.random.Generator) -> None:
    x = rng.normal(size=(20, 7)).astype(np.float32)
    with pytest.raises(EdgePruneError) as caught:
        edgeprune.build(torch.nn.Linear(10, 5), torch.zeros(1, 10), data=x)
    assert str(caught.value).startswith("data: x: has shape [20, 7]")


def test_one_name_stands_for_a_sequence_of_one() -> None:
    assert parse_names("tflite", "") == parse_names(["tflite"], "") == ("tflite",)
    assert parse_names("c,tflite", "") == ("c", "tflite")
    for empty in ("", ",", [""], "c,", ["c", ""]):
        with pytest.raises(EdgePruneError, match=r"(?s)^--emit: .*nam.*some of c, tflite, onnx"):
            meant({"emit": empty})
    with pytest.raises(EdgePruneError, match="'exe'"):
        edgeprune.build(emit="exe")


def test_a_loader_and_a_module_become_firmware_that_all_functions_take(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    x = torch.randn(80, 4)
    loader = DataLoader(TensorDataset(x, net(x).argmax(1)), batch_size=16)
    out = [tmp_path / "a", tmp_path / "b"]
    for folder, dtype in zip(out, ("float32", "int8"), strict=True):
        built = edgeprune.build(net, x[:1], data=loader, dtype=dtype, target="host", out=folder)
        assert built.report["accuracy"]["labels"] == "data"
        assert edgeprune.verify_folder(folder).passed
    found = edgeprune.compare(*out, max_flash_growth="1MB", max_drop="100pt")
    assert found["crossed"] == []
    page = edgeprune.report_folder(out[0])
    assert page == out[0] / "report.html"


def test_what_looks_into_a_network_takes_files_means_and_deviations(tmp_path: Path) -> None:
    model, data = dense_model(tmp_path / "m.onnx"), samples(tmp_path / "d.npz")
    given = {"data": data, "mean": 0.5, "std": (2.0,)}
    found = edgeprune.sweep(model, **given, levels="40", runs=1, out=tmp_path / "s")
    assert [t["runs"] for t in found["trends"]] == [1]
    assert edgeprune.analyze(model, **given, pictures=False, out=tmp_path / "a")["neurons"]
    assert edgeprune.extract(model, **given, classes=[1], out=tmp_path / "e")["labels"]
    plain = edgeprune.sweep(model, data=data, levels="40", runs=1, out=tmp_path / "p")
    assert plain["points"][0]["error"] != found["points"][0]["error"]


def test_pictures_for_a_model_of_vectors_are_refused_by_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    (tmp_path / "pictures" / "cat" / "1.png").write_bytes(b"\x89PNG")
    model = dense_model(tmp_path / "m.onnx")
    with pytest.raises(EdgePruneError, match="holds pictures") as caught:
        edgeprune.build(model, data=tmp_path / "pictures", out=tmp_path / "out")
    assert "(h, w, 1)" in caught.value.hint


def test_labels_of_a_folder_are_those_of_the_array(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "m.onnx")
    with pytest.raises(EdgePruneError, match="y"):
        edgeprune.build(model, data=(np.ones((60, 4)), np.full(60, 9)), out=tmp_path / "out")
