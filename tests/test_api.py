"""From Python: every command has its function, and arguments say what was meant."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import edgeprune
from edgeprune.api.arguments import labels_of, words
from edgeprune.errors import EdgePruneError
from edgeprune.pipeline.options import BuildOptions
from tests.e2e.test_bad_input import dense_model, samples

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
    renamed = {"target": "on", "package": "packages", "no_pictures": "pictures"}
    renamed |= {"folder_a": "a", "folder_b": "b"}
    only_there = {"as_json", "quiet", "verbose", "markdown", "junit"}
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


def test_values_that_are_none_are_refused_as_on_the_command_line() -> None:
    for wrong in ({"dtype": "int9"}, {"emit": ("exe",)}, {"packages": ("cobol",)}):
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
        ("schedule", "now"), ("speedup", 0.5), ("speedup", 1), ("classes", [[1], [2, 3]]),
    ],
)  # fmt: skip
def test_numbers_that_an_option_cannot_be_are_refused_before_any_work(
    option: str, value: object
) -> None:
    with pytest.raises(EdgePruneError) as caught:
        edgeprune.build("nowhere.onnx", **{option: value})
    assert option.replace("_", "-") in caught.value.where


@pytest.mark.parametrize(
    ("option", "value"), [("dtype", "float16"), ("dtype", "int4"), ("runs", 0), ("runs", 1.5)]
)
def test_what_a_sweep_cannot_be_of_is_refused_before_any_work(option: str, value: object) -> None:
    with pytest.raises(EdgePruneError) as caught:
        edgeprune.sweep("nowhere.onnx", **{option: value})
    assert caught.value.where == f"--{option}"


def test_numbers_of_numpy_are_numbers() -> None:
    given = BuildOptions(Path("o"), seed=np.int64(3), keep_ratio=np.float32(0.5))  # type: ignore[arg-type]
    assert given.seed == 3
    assert labels_of(np.array([7, 3, 3])) == labels_of([3, 7]) == labels_of({3, 7}) == (3, 7)
    assert labels_of(4) == (4,)


def test_what_is_wrong_with_an_object_is_said_of_the_argument(rng: np.random.Generator) -> None:
    x = rng.normal(size=(20, 7)).astype(np.float32)
    with pytest.raises(EdgePruneError) as caught:
        edgeprune.build(torch.nn.Linear(10, 5), torch.zeros(1, 10), data=x)
    assert str(caught.value).startswith("data: x: has shape [20, 7]")


def test_one_name_stands_for_a_sequence_of_one() -> None:
    assert words("tflite") == words(["tflite"]) == ("tflite",)
    assert words("c,tflite") == ("c", "tflite")
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
