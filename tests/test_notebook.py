"""Results and progress as a notebook shows them."""

from __future__ import annotations

from html import unescape
from pathlib import Path

from edgeprune.api.notebook import Bars, Result, told
from edgeprune.progress import silent


def test_a_result_is_its_content_and_shows_its_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p class="a">1 & 2</p>')
    found = Result({"a": 1}, page)
    assert found == {"a": 1}
    shown = found._repr_html_() or ""
    assert shown.startswith("<iframe")
    assert page.read_text() in unescape(shown)
    page.unlink()
    assert found._repr_html_() is None


def test_bars_show_every_stage_and_are_drawn_seldom() -> None:
    now, drawn = [0.0], []

    def show(html: str) -> object:
        drawn.append(html)
        return drawn.append

    bars = Bars(show, clock=lambda: now[0])  # type: ignore[arg-type]
    bars("load", 0, 0)
    for i in range(100):
        now[0] += 0.01
        bars("rank <b>", i + 1, 100)
    assert len(drawn) < 12
    assert "load" in drawn[-1]
    assert '<progress value="100" max="100"></progress> 100 of 100' in drawn[-1]
    assert "rank &lt;b&gt;" in drawn[-1]


def test_outside_of_a_notebook_nobody_is_told_unless_named() -> None:
    assert told(None) is silent
    assert told(print) is print  # type: ignore[arg-type]
