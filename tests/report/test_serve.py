"""`edgeprune explore --serve` in a real browser: a button builds the network that is shown."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from edgeprune.pipeline import frontier, serve
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.serve import Builds, PageServer
from edgeprune.report.frontier import frontier_page
from edgeprune.scratch import workspace
from tests.e2e.conftest import invoke, leftovers, report_of
from tests.emit.packages import small_mlp
from tests.report.browser import cut_off

NEEDS_BROWSER = pytest.mark.needs("chromium", "playwright")
LEAVING = 10.0  # seconds that a thread may take that was told to end


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> BuildOptions:
    """Those of networks for a phone, which need no compiler."""
    folder = tmp_path_factory.mktemp("serve")
    model = small_mlp(folder / "net.onnx")
    out, data = folder / "out", model.with_suffix(".npz")
    given = ("--target", "android", "--dtype", "int8", "--criterion", "l2", "--levels", "10")
    done = invoke("explore", model, "--data", data, *given, "-o", out)
    assert done.status == 0, done.err
    return BuildOptions(out, model, data, target="android", dtype="int8", criterion="l2")


@contextmanager
def served(options: BuildOptions) -> Iterator[PageServer]:
    """The page and its buttons."""
    found = json.loads((options.out / "explore.json").read_text())
    builds = Builds(options, found["points"])
    with PageServer(0, frontier_page(found, builds=True), builds) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            builds.stop()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[[str], Any]]:
    """Opens an address; all that the browser had to complain about is nothing."""
    said: list[str] = []

    def open_page(address: str, width: int = 1200) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda m: said.append(m.text))
        page.on("pageerror", lambda e: said.append(str(e)))
        page.goto(address)
        return page

    yield open_page
    assert said == []


def asked(address: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and text of an answer."""
    try:
        with urlopen(Request(address, method=method, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, ""


@NEEDS_BROWSER
def test_the_button_builds_the_network_that_is_shown(
    options: BuildOptions, opened: Callable[..., Any]
) -> None:
    point = json.loads((options.out / "explore.json").read_text())["points"][1]
    with served(options) as server:
        page = opened(server.address)
        page.locator(".wide [data-point='1']").click()
        page.locator(".point:visible .build").click()
        link = page.locator(".point:visible .built a")
        link.wait_for(timeout=120_000)
        folder = Path(page.locator(".point:visible .built").inner_text().split()[2].rstrip(":"))
        with page.expect_popup() as popup:
            link.click()
        assert "net.onnx" in popup.value.title()
    built = report_of(folder)
    assert folder.parent == options.out.parent
    assert built["size"]["flash_bytes"] == point["flash_bytes"]
    assert built["accuracy"]["tflite"] == point["accuracy"]
    assert built["command"].split()[:-1] == point["command"].split()[:-1]


@NEEDS_BROWSER
@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_in_the_way_of_a_build_is_told_on_the_page(
    options: BuildOptions, opened: Callable[..., Any], width: int
) -> None:
    found = json.loads((options.out / "explore.json").read_text())["points"]
    options = replace(options, force=True)  # which was said of the page's own folder
    folder = serve.options_of(options, found[0]).out
    folder.mkdir()
    (folder / "mine.txt").write_text("a")
    with served(options) as server:
        page = opened(server.address, width)
        page.locator("[data-point='0']:visible").click()
        page.locator(".point:visible .build").click()
        told = page.locator(".point:visible .built.bad")
        told.wait_for()
        assert "mine.txt" in told.inner_text()
        assert cut_off(page) == []
    assert leftovers(folder) == ["mine.txt"]
    (folder / "mine.txt").unlink()
    folder.rmdir()


@NEEDS_BROWSER
def test_a_page_whose_command_has_ended_says_so(options: BuildOptions, browser: Any) -> None:
    page = browser.new_page()
    with served(options) as server:
        page.goto(server.address)
        page.wait_for_function("!document.querySelector('.point:not([hidden]) .build').disabled")
    page.route("**/*", lambda route: route.abort())
    page.locator(".point:visible .build").click()
    page.wait_for_function("document.querySelector('.built').textContent.includes('has ended')")
    assert page.locator(".point:visible .build").is_disabled()
    page.close()


def test_without_the_token_there_is_nothing_to_see_and_nothing_is_built(
    options: BuildOptions,
) -> None:
    with served(options) as server:
        root = server.address.removesuffix(f"{server.token}/")
        wrong = server.token[::-1]
        for path in ("", "state", f"{wrong}/", f"{wrong}/state", "../", f"{server.token}"):
            assert asked(root + path) == (404, "")
        for path in ("build/0", f"{wrong}/build/0", f"{server.token}/build", "//build/0"):
            assert asked(root + path, "POST") == (404, "")
        for path in ("report/0", "report", "build/0", "state/0", "page"):
            assert asked(server.address + path) == (404, "")
        status, text = asked(f"{server.address}state")
        assert (status, json.loads(text)["running"]) == (200, None)
        assert 'class="build"' in asked(server.address)[1]
    assert 'class="build"' not in (options.out / "explore.html").read_text()


def test_the_page_is_this_machines_alone_and_its_token_nobodys_else(options: BuildOptions) -> None:
    with served(options) as one, served(options) as other:
        assert one.server_address[0] == other.server_address[0] == "127.0.0.1"
        assert one.token != other.token
        assert min(len(one.token), len(other.token)) >= 40


def test_the_network_as_it_is_is_built_without_limits(options: BuildOptions) -> None:
    """That is how it was measured for the page."""
    points = json.loads((options.out / "explore.json").read_text())["points"]
    whole, smaller = (serve.options_of(replace(options, ram=300), p) for p in points[:2])
    assert (whole.budget, whole.ram) == (None, None)
    assert (smaller.budget, smaller.ram) == (points[1]["budget_bytes"], 300)
    assert "--ram" not in frontier._command(replace(options, ram=300), None)
    assert "--ram 300" in frontier._command(replace(options, ram=300), 2000)


def test_a_command_names_no_files_that_stood_for_objects_of_python() -> None:
    folder = workspace() / "api-1"
    options = BuildOptions(Path("o"), model=folder / "model.pt2", data=folder / "data.npz")
    wanted = "edgeprune build model.pt2 --data data.npz --budget 2000 -o net"
    assert frontier._command(options, 2000) == wanted


def test_a_browser_that_leaves_and_a_report_that_has_gone_are_no_errors(
    options: BuildOptions, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with served(options) as server:
        server.builds._results[0] = serve.Result(folder=tmp_path)
        assert asked(f"{server.address}report/0") == (404, "")
        with socket.create_connection(server.server_address) as left:
            left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            left.sendall(f"GET /{server.token}/ HTTP/1.0\r\n\r\n".encode())
        assert asked(f"{server.address}state")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_port_that_was_served_is_free_again(options: BuildOptions) -> None:
    with served(options) as server:
        port = server.server_port
        assert asked(server.address)[0] == 200
    serve.check_port(port)


def test_one_network_is_built_at_a_time_and_given_up_when_the_command_ends(
    options: BuildOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, given_up = Event(), Event()

    def endless(_: BuildOptions, progress: Callable[[str, int, int], None]) -> None:
        try:
            while True:
                progress("rank", 1, 2)
                begun.set()
        finally:
            given_up.set()

    monkeypatch.setattr(serve, "build", endless)
    with served(options) as server:
        assert asked(f"{server.address}build/99", "POST")[0] == 409
        assert asked(f"{server.address}build/1", "POST")[0] == 202
        assert begun.wait(LEAVING)
        assert asked(f"{server.address}build/0", "POST")[0] == 409
        state = json.loads(asked(f"{server.address}state")[1])
        assert (state["running"], state["step"], state["total"]) == (1, "rank", 2)
    assert given_up.wait(LEAVING)
    assert server.builds.state["running"] is None


def test_a_port_that_is_taken_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = invoke("explore", "--serve", "--port", port, "-o", tmp_path / "out")
    assert done.status == 2
    assert "--port" in done.err
    done = invoke("explore", "--port", 8000, "-o", tmp_path / "out")
    assert "add --serve" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_command_serves_until_it_is_interrupted(options: BuildOptions, tmp_path: Path) -> None:
    given = ["--target", "android", "--dtype", "int8", "--criterion", "l2", "--levels", "10"]
    command = ["explore", str(options.model), "--data", str(options.data), *given, "--serve"]
    started = subprocess.Popen(
        [sys.executable, "-m", "edgeprune", *command, "-o", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stderr is not None
        address = next(
            line.split(" on ")[1].split()[0]
            for line in started.stderr
            if "choose and build" in line
        )
        assert address.startswith("http://127.0.0.1:")
        assert asked(address)[0] == 200
        started.send_signal(signal.SIGINT)
        assert started.wait(60) == 0
        with pytest.raises(URLError):
            asked(address)
    finally:
        started.kill()
        started.communicate()
