"""A record of an earlier release lacks keys that are told of now: it is shown without them."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints
from typing import is_typeddict as is_table

import pytest
from rich.console import Console

from edgeprune.errors import EdgePruneError
from edgeprune.report.page import render
from edgeprune.report.read import read_report
from edgeprune.report.schema import Example, Report, Source
from edgeprune.report.terminal import show_report
from edgeprune.schema import checked
from tests.e2e.conftest import invoke, report_of
from tests.emit.packages import small_mlp

Place = tuple[dict[str, Any], str, Any, str]
"""A table of a record, one of its keys, what its type is, and where it is."""


def places(value: Any, kind: Any, where: str = "") -> Iterator[Place]:
    """Every key of a record, of lists those of their first row."""
    if get_origin(kind) in (Annotated, NotRequired):
        yield from places(value, get_args(kind)[0], where)
    elif get_origin(kind) in (Union, types.UnionType):
        for one in get_args(kind):
            yield from places(value, one, where)
    elif get_origin(kind) is list and isinstance(value, list):
        for row in value[:1]:
            yield from places(row, get_args(kind)[0], where)
    elif is_table(kind) and isinstance(value, dict):
        for key, of in get_type_hints(kind, include_extras=True).items():
            if key in value:
                yield value, key, of, f"{where}.{key}"
                yield from places(value[key], of, f"{where}.{key}")


def may_be_absent(place: Place) -> bool:
    return get_origin(place[2]) is NotRequired


def may_be_null(place: Place) -> bool:
    table, key, of, _ = place
    while get_origin(of) in (Annotated, NotRequired):
        of = get_args(of)[0]
    return table[key] is not None and type(None) in get_args(of)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whole")
    model = small_mlp(folder / "m.onnx", inputs=8, hidden=8)
    given = ("--data", model.with_suffix(".npz"), "--criterion", "l2", "--target", "host")
    done = invoke("build", model, *given, "--keep-ratio", "0.8", "-o", folder / "out")
    assert done.status == 0, done.err
    record: dict[str, Any] = report_of(folder / "out")
    record["agreement"] |= {"c_vs_tflite_within": 0.1, "c_vs_tflite_max_relative": 0.01}
    return record


def show(record: Any) -> None:
    show_report(record, Console(file=StringIO()), "report.html")
    assert render(record)


def test_a_record_without_any_one_of_the_keys_that_may_be_absent_is_shown(
    whole: dict[str, Any],
) -> None:
    found = [p[3] for p in places(whole, Report) if may_be_absent(p)]
    assert {".visited", ".memory.by_rows", ".kept_whole", ".interface.states"} <= set(found)
    for i in range(len(found)):
        record = deepcopy(whole)
        table, key, *_ = [p for p in places(record, Report) if may_be_absent(p)][i]
        del table[key]
        show(record)


def test_a_record_of_which_any_one_figure_was_not_measured_is_shown(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    found = [p[3] for p in places(whole, Report) if may_be_null(p)]
    assert {".agreement.c_vs_tflite_max_relative", ".accuracy.c"} <= set(found)
    wrong = []
    for i, where in enumerate(found):
        record = deepcopy(whole)
        table, key, *_ = [p for p in places(record, Report) if may_be_null(p)][i]
        table[key] = None
        (tmp_path / "report.json").write_text(json.dumps(record))
        try:
            show(read_report(tmp_path))
        except EdgePruneError:
            continue  # others need it, and it is said so
        except (TypeError, KeyError, AttributeError, ValueError) as e:
            wrong.append(f"{where}: {e}")
    assert not wrong


@pytest.mark.parametrize("wrong", [{"mean_square": -1.0}, {"max_relative": -1.0}])
def test_a_distance_below_zero_is_no_record(wrong: dict[str, float]) -> None:
    row = {"rule": "measured", "mean_square": 1.0, "max_relative": 1.0}
    assert checked(row, Source, "report.json")
    with pytest.raises(EdgePruneError, match=next(iter(wrong))):
        checked({**row, **wrong}, Source, "report.json")


@pytest.mark.parametrize("side", ["source", "built"])
def test_an_example_without_answers_is_no_record(side: str) -> None:
    row = {
        "number": 0, "truth": None, "distance": 0.0, "answers": [0, 0], "picture": None,
        "source": [[0.0, 1.0]], "built": [[0.0, 1.0]],
    }  # fmt: skip
    assert checked(row, Example, "report.json")
    with pytest.raises(EdgePruneError, match=side):
        checked({**row, side: []}, Example, "report.json")
