"""`edgeprune explore` in a real browser: limits move, and what is shown is within them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import invoke, report_of
from tests.emit.packages import small_cnn
from tests.report.browser import Shown, cut_off

pytestmark = pytest.mark.needs("chromium", "playwright", "arm-none-eabi-gcc", "qemu-system-arm")


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network at several sizes, for a board."""
    folder = tmp_path_factory.mktemp("explore")
    model = small_cnn(folder / "net.onnx", channels=8)
    given = ("--data", model.with_suffix(".npz"), "--criterion", "l2", "--dtype", "int8")
    where = ("--levels", "5:40:5", "--target", "nucleo-f446re", "-o", folder / "out")
    done = invoke("explore", model, *given, *where)
    assert done.status == 0, done.err
    return folder / "out"


def points(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "explore.json").read_text())["points"]
    return found


def move(shown: Shown, slider: str, share: float) -> None:
    """A slider to a share of its way."""
    shown.page.locator(f"#{slider}").evaluate(
        "(s, v) => { s.value = v; s.dispatchEvent(new Event('input')); }", round(1000 * share)
    )


def chosen(shown: Shown) -> int:
    """The number of the only network that is shown."""
    visible: list[int] = shown.page.evaluate(
        "[...document.querySelectorAll('.point')].flatMap((p, i) => p.hidden ? [] : [i])"
    )
    (number,) = visible
    return number


def test_every_network_has_figures_and_less_flash_than_its_budget(explored: Path) -> None:
    found = points(explored)
    assert len(found) > 2
    assert found[0]["budget_bytes"] is None
    for p in found[1:]:
        assert p["flash_bytes"] <= p["budget_bytes"]
    assert all(p["ms"] > 0 and p["cycles"] > 0 for p in found)
    sizes = [p["flash_bytes"] for p in found]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_whole_on_desk_and_phone(
    explored: Path, browser: Any, width: int, scheme: str
) -> None:
    shown = Shown(browser, explored / "explore.html", width, scheme)
    assert shown.said == []
    assert cut_off(shown.page) == []
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


def test_limits_choose_the_best_network_within_them(explored: Path, browser: Any) -> None:
    shown, found = Shown(browser, explored / "explore.html"), points(explored)
    sizes = [p["flash_bytes"] for p in found]
    for share in (1.0, 0.7, 0.4, 0.0):
        move(shown, "flash", share)
        limit = min(sizes) + share * (max(sizes) - min(sizes))
        fit = [p for p in found if p["flash_bytes"] <= limit]
        best = max(fit, key=lambda p: (p["validation_accuracy"], -p["flash_bytes"]))
        assert found[chosen(shown)] == best
    assert shown.said == []


def test_limits_that_nothing_meets_say_so(explored: Path, browser: Any) -> None:
    shown = Shown(browser, explored / "explore.html")
    shown.page.evaluate("document.querySelector('#flash').dataset.least = 1")
    move(shown, "flash", 0.0)
    assert shown.page.locator("#none").is_visible()
    assert shown.page.locator(".point:visible").count() == 0


def test_a_dot_that_is_clicked_is_shown(explored: Path, browser: Any) -> None:
    shown = Shown(browser, explored / "explore.html")
    last = len(points(explored)) - 1
    shown.page.locator(f".wide [data-point='{last}']").click()
    assert chosen(shown) == last


def test_the_command_on_the_page_builds_the_network_that_it_shows(
    explored: Path, browser: Any, tmp_path: Path
) -> None:
    shown, found = Shown(browser, explored / "explore.html"), points(explored)
    move(shown, "flash", 0.3)
    point = found[chosen(shown)]
    command = shown.page.locator(".point:visible pre").inner_text()
    assert command == point["command"]
    words = shlex.split(command)
    done = invoke(*words[1:-1], tmp_path / "net")
    assert done.status == 0, done.err
    built = report_of(tmp_path / "net")
    assert built["size"]["flash_bytes"] == point["flash_bytes"]
    assert built["accuracy"]["c"] == point["accuracy"]


def test_levels_that_nothing_meets_end_with_a_message(explored: Path, tmp_path: Path) -> None:
    model = explored.parent / "net.onnx"
    given = ("--data", model.with_suffix(".npz"), "--criterion", "l2", "--dtype", "int8")
    done = invoke("explore", model, *given, "--levels", "10B", "-o", tmp_path / "none")
    assert done.status == 1
    assert "--levels" in done.err
    assert not (tmp_path / "none").exists()
