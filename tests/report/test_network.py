"""The drawing of a network: what stands in a box, and which lines lead where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from edgeprune.report.network import blocks_of, network
from edgeprune.report.page import fill
from tests.report.browser import Shown


def layer(name: str, op: str, inputs: list[int], **more: Any) -> dict[str, Any]:
    row = {"name": name, "op": op, "inputs": inputs, "channels_before": 8, "channels_after": 8}
    row |= {"macs": 0, "weight_bytes": 0, "bits": None, "cycles": None, "shape": [4, 4, 8]}
    return row | more


def record(*layers: dict[str, Any]) -> dict[str, Any]:
    port = {"name": "image", "shape": [4, 4, 1], "read": [[0, 3], [5, 2]]}
    rest: dict[str, Any] = {"size": {"flash_bytes": 4000}, "run": {"clock_hz": None}}
    return {"layers": list(layers), "interface": {"inputs": [port]}, **rest}


RESIDUAL = record(
    layer("a", "conv2d", [-1], macs=9, bits=4.0, bits_before=32, channels_after=6),
    layer("a_relu", "clamp", [0]),
    layer("b", "conv2d", [1], macs=9, bits=8),
    layer("sum", "add", [2, 1]),
    layer("c", "conv2d", [3], macs=9),
)


def test_what_acts_on_elements_alone_joins_the_layer_before_it() -> None:
    assert [(b.name, b.kinds) for b in blocks_of(RESIDUAL)] == [
        ("image", []),
        ("a", ["conv2d", "clamp"]),
        ("b", ["conv2d"]),
        ("sum", ["add"]),
        ("c", ["conv2d"]),
    ]


def test_a_block_knows_what_it_takes_from() -> None:
    assert [b.feeds for b in blocks_of(RESIDUAL)] == [[], [0], [1], [2, 1], [3]]


def test_an_activation_of_a_value_that_others_read_too_stands_alone() -> None:
    rows = record(
        layer("a", "conv2d", [-1], macs=9),
        layer("gate", "sigmoid", [0]),
        layer("product", "mul", [0, 1]),
    )
    assert [b.name for b in blocks_of(rows)] == ["image", "a", "gate", "product"]


def test_a_shortcut_has_a_line_of_its_own_past_what_it_skips() -> None:
    drawn = network(RESIDUAL).split("</li>")
    lines = [
        set(re.findall(r'<line x1="(\d+)" y1="(\d+)%" x2="(\d+)" y2="(\d+)%"', d)) for d in drawn
    ]
    side, main = sorted({int(x) for row in lines for x, *_ in row})
    assert (f"{side}", "0", f"{side}", "100") in lines[2]  # past b
    assert (f"{side}", "50", f"{main}", "50") in lines[3]  # into the sum
    assert not [row for row in lines[4] if str(side) in (row[0], row[2])]


def test_a_box_tells_widths_and_bits_before_and_after() -> None:
    text = re.sub("<[^>]+>", " ", network(RESIDUAL))
    for fact in ("16 → 5 elements", "4 × 4 × 1", "8 → 6 channels", "32 → 4 bits"):
        assert fact in text


def test_the_share_of_a_box_is_of_all_bytes_as_it_is_on_the_first_screen() -> None:
    rows = record(layer("a", "dense", [-1], macs=9, constant_bytes=1000))
    assert "1,000 bytes, 25 %" in re.sub("<[^>]+>", "", network(rows))


def test_turns_of_a_loop_are_one_box_with_the_sums_of_all() -> None:
    rows = record(
        layer("x", "dense", [-1], macs=9, constant_bytes=8),
        layer("h", "dense", [0], macs=9, constant_bytes=80, cycles=20),
        layer("t", "tanh", [1], cycles=2),
        layer("h_2", "dense", [2], macs=9, constant_bytes=0, cycles=20, turn_of="h"),
        layer("t_2", "tanh", [3], cycles=2, turn_of="t"),
        layer("all", "concat", [2, 4]),
    )
    found = [(b.name, b.turns, b.flash, b.cycles, b.feeds) for b in blocks_of(rows)[1:]]
    assert found == [
        ("x", 1, 8, None, [0]),
        ("h", 2, 80, 44, [1]),
        ("all", 1, 0, None, [2]),
    ]


def test_a_record_without_connections_is_drawn_as_a_chain() -> None:
    old = record(*({k: v for k, v in row.items() if k != "inputs"} for row in RESIDUAL["layers"]))
    assert [b.feeds for b in blocks_of(old)] == [[], [0], [1], [2], [3]]


def test_what_a_network_keeps_between_calls_is_called_a_state() -> None:
    kept = {**RESIDUAL["interface"], "states": [{"name": "sum", "shape": [20], "read": None}]}
    text = " ".join(re.sub("<[^>]+>", " ", network({**RESIDUAL, "interface": kept})).split())
    assert re.findall(r"\b(input|state) (\w+)", text) == [("input", "image"), ("state", "sum")]


@pytest.mark.needs("chromium", "playwright")
def test_the_words_of_an_operator_stay_whole_beside_a_long_name(
    browser: Any, tmp_path: Path
) -> None:
    name = "model/sequential/unidirectional_sequence_lstm/steps"
    drawing = network(record(layer(name, "reshape", [-1]), layer(name, "conv2d", [0], macs=9)))
    page = fill("base.html.j2")
    (tmp_path / "page.html").write_text(page.replace("</body>", f"{drawing}</body>"))
    words = Shown(browser, tmp_path / "page.html", 390).page.locator(".top b").all()
    assert len({word.bounding_box()["height"] for word in words}) == 1
