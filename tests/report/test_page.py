"""The report as a browser shows it: complete, readable on a phone, sortable, without a network."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from edgeprune.report.page import Section, render, render_sections
from edgeprune.report.schema import Report
from edgeprune.report.treemap import squarify, treemap
from edgeprune.schema import checked
from tests.e2e.conftest import invoke, report_of
from tests.emit.packages import small_cnn
from tests.report.browser import Shown, cut_off, scrolled

pytestmark = pytest.mark.needs("chromium", "playwright")
WIDTHS = {"desktop": 1280, "phone": 390}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with labels, pruned to a budget."""
    folder = tmp_path_factory.mktemp("page")
    model = small_cnn(folder / "net.onnx", channels=6)
    given = ("--data", model.with_suffix(".npz"), "--criterion", "l2", "--dtype", "float32")
    done = invoke("build", model, *given, "--budget", "2700", "--ram", "4KB", "-o", folder / "out")
    assert done.status == 0, done.err
    return folder / "out"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_report_is_complete_and_readable_everywhere(
    built: Path, browser: Any, width: int, scheme: str
) -> None:
    shown = Shown(browser, built / "report.html", width, scheme)
    assert shown.said == []
    page, record = shown.page, report_of(built)
    headings = page.locator("h2").all_text_contents()
    assert headings == [
        "What was removed",
        "Where bytes go",
        "Where cycles go",
        "What to do next",
        "The network, before and after",
        "Accuracy against size",
        "Samples and answers",
        "Do the artifacts agree?",
        "Layers",
        "Where the flash goes",
        "Memory over time",
        "The arena",
        "What was removed, and what was not",
        "What stands in the way of a smaller result",
        "How it was made",
    ]
    text = page.inner_text("body")
    for figure in ("flash_bytes", "ram_bytes", "arena_bytes", "arena_lower_bound_bytes"):
        assert f"{record['size'][figure]:,}" in text, figure
    assert "Fits: " in text
    assert record["command"] in text
    assert page.locator("[role=meter]").count() == 2
    shown_figures = page.locator(".narrow svg:visible" if width < 700 else ".wide svg:visible")
    assert shown_figures.count() == 5
    for figure in shown_figures.all():
        box = figure.bounding_box()
        assert box["height"] > 100
        drawn = float(figure.get_attribute("width"))
        assert 0.9 * drawn <= box["width"] <= width  # letters are as large as they were drawn
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert cut_off(page) == []
    ink, paper = page.evaluate(
        "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
    )
    assert (brightness(ink) < brightness(paper)) == (scheme == "light")


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_no_column_of_a_table_is_out_of_sight(
    built: Path, browser: Any, tmp_path: Path, width: int
) -> None:
    record = deepcopy(report_of(built))
    record["run"]["clock_hz"] = 180_000_000
    for row in record["layers"]:
        row |= {"name": "model_1/block_12/depthwise_conv2d", "op": "depthwise_conv2d"}
        row |= {"kernel": "ep_depthwise_conv2d_3x3_codes_s8", "cycles": 12_345_678}
        row |= {"weight_bytes": 1_234_567, "instructions": 23_456_789.0, "macs": 12_345_678}
    name = "model_1/batch_normalization_4/FusedBatchNormV3/ReadVariableOp"
    record["layers"][0] |= {"name": name, "channels_before": 64, "channels_after": 8}
    record["labels"] = ["automobile"] * 10
    table = [[1122 if i == j else 17 for j in range(10)] for i in range(10)]
    rows = [{"label": i, "n": 1135, "before": 1.0, "after": 0.9} for i in range(10)]
    record["classes"] = {"rows": rows, "confusion_before": table, "confusion_after": table}
    (tmp_path / "wide.html").write_text(render(record))
    page = Shown(browser, tmp_path / "wide.html", width).page
    assert scrolled(page) == []
    assert cut_off(page) == []


def test_a_build_writes_no_key_that_the_schema_lacks(built: Path) -> None:
    record = json.loads((built / "report.json").read_text())
    checked(record, Report, "report.json", closed=True)


def test_a_phones_first_screen_says_what_was_removed_and_what_to_do_next(
    built: Path, browser: Any
) -> None:
    tops = {}
    for width in WIDTHS.values():
        page = Shown(browser, built / "report.html", width).page
        cards = page.locator(".first > .card").all()
        tops[width] = [card.bounding_box()["y"] for card in cards]
    removed, shares, following = tops[390]
    assert removed < following < shares
    assert following < 844
    assert len(set(tops[1280])) == 1


def brightness(colour: str) -> int:
    """Of "rgb(1, 2, 3)"."""
    return sum(int(part) for part in colour[4:-1].split(","))


def number(text: str) -> float | str:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return text


def test_every_column_of_the_layers_sorts_up_and_down(built: Path, browser: Any) -> None:
    shown = Shown(browser, built / "report.html")
    heads = shown.page.locator("#layers th")
    for i in range(heads.count()):
        for way in ("ascending", "descending"):
            heads.nth(i).click()
            assert heads.nth(i).get_attribute("aria-sort") == way
            values = [number(v) for v in shown.column("#layers", i + 1)]
            for kind in (float, str):  # figures first, then what has none
                part = [v for v in values if isinstance(v, kind)]
                assert part == sorted(part, reverse=way == "descending"), heads.nth(i)
    assert shown.said == []


def test_every_group_is_listed_and_the_cut_lies_between(built: Path, browser: Any) -> None:
    shown, record = Shown(browser, built / "report.html"), report_of(built)
    rows = shown.page.locator("details tbody tr")
    assert rows.count() == len(record["removals"]) + len(record["kept"]) == 6
    assert record["removals"]
    assert record["kept"]
    names = {r["name"] for r in record["removals"] + record["kept"]}
    assert names == {f"conv[{i}]" for i in range(6)}


def test_flash_by_layer_and_function_adds_up(built: Path) -> None:
    record = report_of(built)
    assert sum(row["bytes"] for row in record["flash"]) == record["size"]["flash_bytes"]
    weights = {r["layer"]: r["bytes"] for r in record["flash"] if r["name"] == "weights"}
    assert {"conv", "head"} <= set(weights)


def test_labels_of_the_treemap_stay_inside_it(browser: Any, tmp_path: Path) -> None:
    sizes = [27000, 1300, 800, 500, 260, 180, 90, 12]
    groups = {f"a_layer_with_a_long_name_{i}": [("weights", n)] for i, n in enumerate(sizes)}
    path = tmp_path / "map.html"
    path.write_text(render_sections("P", [], [Section("T", figure=treemap(groups))]))
    page = Shown(browser, path).page
    right = page.evaluate("document.querySelector('svg').getBoundingClientRect().right")
    ends = page.evaluate(
        "[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().right)"
    )
    assert ends
    assert max(ends) <= right


def test_names_in_a_model_are_only_shown(built: Path, browser: Any, tmp_path: Path) -> None:
    record = deepcopy(report_of(built))
    evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>${alert(3)}"\'$x^'
    record["model"]["path"] = record["command"] = evil
    for row in (*record["layers"], *record["removals"], *record["kept"]):
        row["name"] = evil
    for row in record["flash"]:
        row["layer"] = row["name"] = evil
    for step in record["memory"]["steps"]:
        step["step"], step["live"] = evil, {evil: 100}
    for row in (*record["memory"]["buffers"], *record["frontier"]):
        row["name"] = row["label"] = evil
    for port in record["interface"]["inputs"]:
        port["name"], port["read"] = evil, [[0, 1]]
    record["mean_sample"] = evil
    for row in record["examples"]:
        row["picture"] = evil
    record["labels"] = [evil] * 3
    table = [[5, 2, 0], [1, 4, 1], [0, 0, 6]]
    row = {"label": 1, "n": 6, "before": 0.5, "after": 0.4}
    record["classes"] = {"rows": [row], "confusion_before": table, "confusion_after": table}
    path = tmp_path / "evil.html"
    path.write_text(render(record))
    shown = Shown(browser, path)
    assert shown.said == []
    assert evil in shown.column("#layers", 1)


def test_the_page_is_made_again_from_its_record(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(built / "report.json", copy)
    assert invoke("report", copy).status == 0
    assert (copy / "report.html").read_text() == (built / "report.html").read_text()


def test_numbers_are_called_so_and_not_classes(built: Path) -> None:
    record = deepcopy(report_of(built))
    record["accuracy"] |= {"measure": "r2", "samples": "held-out", "labels": "data"}
    page = render(record)
    assert '<span class="soft">R2</span>' in page
    assert "Answers that changed" not in page
    cards, _, rest = page.partition("What was removed")
    assert "in the field" not in cards  # a doubt that takes half of a phone's screen
    assert "in the field" in rest


def test_bits_are_told_before_and_after_where_a_clamp_is_part_of_the_layer(built: Path) -> None:
    bits = [row["bits_before"] for row in report_of(built)["layers"] if row["bits"]]
    assert bits
    assert set(bits) == {32}


def test_other_pages_sort_as_well(browser: Any, tmp_path: Path) -> None:
    table = Section("T", columns=("a", "b"), rows=[("x", "10"), ("y", "9"), ("z", "1,000")])
    path = tmp_path / "page.html"
    path.write_text(render_sections("P", ["one line"], [table]))
    shown = Shown(browser, path)
    shown.page.locator("th").nth(1).click()
    assert shown.column("table", 2) == ["9", "10", "1,000"]
    assert shown.said == []


def test_a_treemap_keeps_every_area() -> None:
    sizes = [90.0, 40.0, 25.0, 9.0, 9.0, 1.0, 0.5]
    boxes = squarify(sizes, (0.0, 0.0, 9.0, 4.0))
    for size, (x, y, w, h) in zip(sizes, boxes, strict=True):
        assert w * h == pytest.approx(size * 36 / sum(sizes))
        assert min(x, y) >= 0
        assert x + w <= 9 + 1e-9
        assert y + h <= 4 + 1e-9
    assert sum(w * h for _, _, w, h in boxes) == pytest.approx(36)


def test_the_record_is_strict_json(built: Path) -> None:
    json.loads((built / "report.json").read_text(), parse_constant=lambda c: pytest.fail(c))
