"""A record of an earlier release lacks keys that are told of now: it is shown without them."""

from __future__ import annotations

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
from edgeprune.report.schema import Example, Report, Source
from edgeprune.report.terminal import show_report
from edgeprune.schema import checked
from tests.e2e.conftest import invoke, report_of
from tests.emit.packages import small_mlp


def absent(value: Any, kind: Any, where: str = "") -> Iterator[tuple[dict[str, Any], str, str]]:
    """Every key of a record that its type allows to be absent: (its table, key, where it is)."""
    if get_origin(kind) in (Annotated, NotRequired):
        yield from absent(value, get_args(kind)[0], where)
    elif get_origin(kind) in (Union, types.UnionType):
        for one in get_args(kind):
            yield from absent(value, one, where)
    elif get_origin(kind) is list and isinstance(value, list):
        for row in value[:1]:
            yield from absent(row, get_args(kind)[0], where)
    elif is_table(kind) and isinstance(value, dict):
        for key, of in get_type_hints(kind, include_extras=True).items():
            if key in value:
                if get_origin(of) is NotRequired:
                    yield value, key, f"{where}.{key}"
                yield from absent(value[key], of, f"{where}.{key}")


def test_a_record_without_any_one_of_the_keys_that_may_be_absent_is_shown(tmp_path: Path) -> None:
    model = small_mlp(tmp_path / "m.onnx", inputs=8, hidden=8)
    given = ("--data", model.with_suffix(".npz"), "--criterion", "l2", "--target", "host")
    done = invoke("build", model, *given, "--keep-ratio", "0.8", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    whole: Any = report_of(tmp_path / "out")
    places = [where for _, _, where in absent(whole, Report)]
    assert {".visited", ".memory.by_rows", ".kept_whole", ".interface.states"} <= set(places)
    for i, where in enumerate(places):
        record = deepcopy(whole)
        table, key, _ = list(absent(record, Report))[i]
        del table[key]
        assert render(record), where
        show_report(record, Console(file=StringIO()), "report.html")


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
