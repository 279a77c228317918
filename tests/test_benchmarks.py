"""What the benchmarks keep of their runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks.pruning import common


def test_rows_of_one_seed_are_kept_apart_and_a_row_made_anew_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    for accuracy in (90.0, 91.0):
        table = common.Table("table", ["seed", "share", "accuracy %"], key=2)
        table.row(0, 0.75, accuracy)
        table.row(0, 0.5, accuracy - 3)
    rows = json.loads((tmp_path / "table.json").read_text())
    assert [(r["share"], r["accuracy %"]) for r in rows] == [(0.75, 91.0), (0.5, 88.0)]


@pytest.mark.parametrize("path", sorted(common.RESULTS.glob("*.json")), ids=lambda p: p.stem)
def test_no_two_rows_of_a_benchmark_have_the_same_key(path: Path) -> None:
    rows = json.loads(path.read_text())
    module = path.stem.split("_")[0] if path.stem.startswith("bits_") else path.stem
    made = (Path(common.__file__).parent / f"{module}.py").read_text()  # one for all its networks
    key = int(re.findall(r"key=(\d)", made)[0])
    named = [tuple(r.values())[:key] for r in rows]
    assert len(set(named)) == len(named)
