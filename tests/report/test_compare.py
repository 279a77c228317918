"""Two builds side by side: on the terminal, in a pull request, in CI."""

from __future__ import annotations

import copy
import errno
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from edgeprune.report.compare import ROWS, compare_reports
from tests.e2e.conftest import Outcome, invoke, report_of
from tests.e2e.test_bad_input import dense_model, samples
from tests.test_files import room

SAME = {
    "model": {"sha256": "a"},
    "size": {"flash_bytes": 1000, "ram_bytes": 100},
    "run": {
        "instructions": 5000,
        "cycles": 7000,
        "cycles_error": 0.1,
        "ms": 1.25,
        "clock_hz": 5600000,
    },
    "after": {"macs": 10},
    "accuracy": {"c": 0.95},
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a build, with figures that are easy to reckon with."""
    place = tmp_path_factory.mktemp("compare")
    given = (dense_model(place / "m.onnx"), "--data", samples(place / "d.npz"))
    done = invoke("build", *given, "--dtype", "int8", "--target", "host", "-o", place / "out")
    assert done.status == 0, done.err
    found = report_of(place / "out")
    for part, fields in SAME.items():
        found[part] |= fields
    return found


Folders = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, record: dict[str, Any]) -> Folders:
    """Makes a result: ``folder("a", size__flash_bytes=1)``."""

    def make(name: str, **changes: Any) -> Path:
        report = copy.deepcopy(record)
        for key, value in changes.items():
            part, _, field = key.partition("__")
            report[part][field] = value
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(report))
        return tmp_path / name

    return make


@pytest.fixture
def worse(folder: Folders) -> tuple[Path, Path]:
    """Two builds, the second worse in every way."""
    changes: dict[str, Any] = {"size__flash_bytes": 1300, "size__ram_bytes": 150}
    changes |= {"run__instructions": 5600, "run__cycles": 7700, "run__ms": 1.375}
    changes |= {"accuracy__c": 0.94}
    return folder("a"), folder("b", **changes)


LIMITS = {
    "--max-flash-growth": (299, 300, "+299", "flash, bytes"),
    "--max-ram-growth": (49, 50, "+49", "RAM, bytes"),
    "--max-instructions-growth": (599, 600, "+599", "instructions"),
    "--max-cycles-growth": (699, 700, "+699", "cycles"),
    "--max-drop": ("0.99pt", "1pt", "-0.99 pt", "accuracy (C)"),
}


@pytest.mark.parametrize("option", LIMITS)
def test_a_crossed_limit_is_named_with_its_figure_and_a_kept_one_passes(
    worse: tuple[Path, Path], option: str
) -> None:
    crossed, kept, shown, _ = LIMITS[option]
    done = invoke("compare", *worse, option, crossed)
    assert done.status == 1
    assert f"over the limit of {shown}" in " ".join(done.err.split())
    assert invoke("compare", *worse, option, kept).status == 0


def test_a_figure_that_was_not_measured_crosses_its_limit(folder: Folders) -> None:
    a, b = folder("a"), folder("b", run__cycles=None)
    done = invoke("compare", a, b, "--max-cycles-growth", 10)
    assert done.status == 1
    assert "not measured" in done.err


def test_a_share_of_answers_and_one_of_variance_are_not_compared(folder: Folders) -> None:
    a, b, c = folder("a"), *(folder(n, accuracy__measure="r2", accuracy__c=0.95) for n in "bc")
    done = invoke("compare", a, b, "--max-drop", "50pt", "--markdown")
    assert done.status == 1
    assert "| accuracy and R2 (C) | 95.00 % | 95.00 % | - |" in done.out
    assert "| R2 (C) | 95.00 % | 95.00 % | +0.00 pt |" in invoke("compare", b, c, "--markdown").out


def all_limits(worse: tuple[Path, Path], *more: object) -> Outcome:
    limits = [word for option, row in LIMITS.items() for word in (option, row[0])]
    return invoke("compare", *worse, *limits, *more)


def test_markdown_has_a_row_for_every_figure_and_names_what_was_crossed(
    worse: tuple[Path, Path],
) -> None:
    done = all_limits(worse, "--markdown")
    assert done.status == 1
    assert done.out.startswith("**edgeprune compare: 5 limits crossed**\n")
    assert "| flash, bytes | 1,000 | 1,300 | +300 | **+299: crossed** |" in done.out
    assert "| accuracy (C) | 95.00 % | 94.00 % | -1.00 pt | **-0.99 pt: crossed** |" in done.out
    assert "| MACs | 10 | 10 | +0 |  |" in done.out
    assert "| time, ms | 1.250 | 1.375 | +0.125 |  |" in done.out
    lines = [line for line in done.out.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1


def test_junit_has_a_case_for_every_figure(worse: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    assert all_limits(worse, "--junit", file).status == 1
    suite = ElementTree.parse(file).getroot()
    cases = {case.get("name"): case for case in suite}
    assert set(cases) == {row[1] for row in ROWS}
    assert {n for n, case in cases.items() if case.find("failure") is not None} == {
        row[3] for row in LIMITS.values()
    }
    counts = [suite.get(key) for key in ("tests", "failures", "skipped")]
    assert (suite.tag, counts) == ("testsuite", [str(len(ROWS)), "5", "0"])


def test_junit_without_limits_has_cases_that_pass_and_skips_what_was_not_measured(
    folder: Folders, tmp_path: Path
) -> None:
    a, b = folder("a", run__ms=None), folder("b", size__flash_bytes=900)
    assert invoke("compare", a, b, "--junit", tmp_path / "junit.xml").status == 0
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    cases = {case.get("name"): case for case in suite}
    assert cases["flash, bytes"].findtext("system-out") == "1,000 -> 900"
    assert [n for n, case in cases.items() if case.find("skipped") is not None] == ["time, ms"]
    counts = [suite.get(key) for key in ("tests", "failures", "skipped")]
    assert counts == [str(len(ROWS)), "0", "1"]


def test_half_a_junit_file_does_not_stay(folder: Folders, tmp_path: Path) -> None:
    a, file = folder("a"), tmp_path / "junit.xml"
    with room(100):
        done = invoke("compare", a, a, "--junit", file)
    assert done.status == 2
    assert "junit.xml: cannot be written: File too large" in done.err
    assert not [*tmp_path.glob("*junit*")]


def test_a_junit_file_that_cannot_be_written_leaves_the_one_before(
    folder: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, place = folder("a"), tmp_path / "results"
    place.mkdir()
    file = place / "junit.xml"
    file.write_text("<good/>")
    with room(100):
        full = invoke("compare", a, a, "--junit", file)

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for module, name in ((Path, "write_text"), (Path, "unlink"), (tempfile, "mkstemp")):
        monkeypatch.setattr(module, name, refused)
    read_only = invoke("compare", a, a, "--junit", file)
    for done, why in ((full, errno.EFBIG), (read_only, errno.EROFS)):
        assert done.status == 2
        assert f"junit.xml: cannot be written: {os.strerror(why)}" in done.err
        assert file.read_text() == "<good/>"
        assert [*place.iterdir()] == [file]


def test_junit_goes_through_links_and_to_pipes(folder: Folders, tmp_path: Path) -> None:
    a, file, link = folder("a"), tmp_path / "real.xml", tmp_path / "link.xml"
    link.symlink_to(file)
    assert invoke("compare", a, a, "--junit", link).status == 0
    assert link.is_symlink()
    ElementTree.parse(file)
    assert invoke("compare", a, a, "--junit", "/dev/null").status == 0
    assert Path("/dev/null").is_char_device()


def test_a_share_beside_r2_is_said_to_be(folder: Folders) -> None:
    a, b = folder("a", accuracy__measure="share"), folder("b", accuracy__measure="r2")
    done = invoke("compare", a, b, "--markdown")
    assert "accuracies measure different things: the share that is right, and R2" in done.out


NONE = {"n": None, "samples": None}
OF = [
    ({"n": 100, "samples": "test"}, {"n": 100}, []),
    ({"n": 100, "samples": "test"}, {"n": 50}, ["100 (test) and 50"]),
    ({"n": 9, "samples": None}, {"n": 9, "samples": "test"}, ["9 (generated) and 9 (test)"]),
    (NONE, {"n": 9, "samples": "test"}, ["none (generated) and 9 (test)"]),
    (NONE, NONE, []),
]


@pytest.mark.parametrize(("a", "b", "said"), OF)
def test_samples_are_compared_as_far_as_reports_tell_them(
    a: dict[str, Any], b: dict[str, Any], said: list[str]
) -> None:
    reports = [{"model": {"sha256": "m"}, "accuracy": accuracy} for accuracy in (a, b)]
    notes = compare_reports(*reports, {})["notes"]
    assert notes == [f"accuracies are of different samples: {of}" for of in said]


def test_names_of_folders_stay_names(folder: Folders, tmp_path: Path) -> None:
    a, b = folder("a[red]x|y"), folder("b<&>")
    done = invoke("compare", a, b, "--markdown", "--junit", tmp_path / "j.xml", "--max-drop", "0")
    assert done.status == 0
    assert "a[red" in done.err.replace("\n", "").replace(" ", "")  # cells are broken to fit
    header = next(line for line in done.out.splitlines() if line.startswith("| |"))
    assert header.count("|") == 6
    ElementTree.parse(tmp_path / "j.xml")


def test_accuracies_of_different_samples_are_said_to_be(folder: Folders) -> None:
    a = folder("a", accuracy__n=1000, accuracy__samples="held-out")
    b = folder("b", accuracy__n=500, accuracy__samples="test")
    done = invoke("compare", a, b, "--markdown")
    note = "accuracies are of different samples: 1,000 (held-out) and 500 (test)"
    assert f"note: {note}" in done.err
    assert f"Note: {note}." in done.out
    same = invoke("compare", a, folder("c", accuracy__n=1000, accuracy__samples="held-out"))
    assert "note" not in same.err
