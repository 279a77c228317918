"""The page of `explore`, served to this machine's browser, where a button builds what is shown.

Nobody but this machine can reach it. What else runs here, other users' programs and pages from
elsewhere in the same browser, does not know the token that every address begins with.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from edgeprune.errors import EdgePruneError
from edgeprune.pipeline.build import build
from edgeprune.pipeline.options import BuildOptions
from edgeprune.report.frontier import frontier_page

LOOPBACK = "127.0.0.1"
SECONDS = 10  # that a browser may take for a request
_ENDED = "it ended without a word, which is a defect of edgeprune: please report the model"


def serve(
    options: BuildOptions,
    found: Mapping[str, Any],
    *,
    port: int = 0,
    tell: Callable[[str], None],
) -> None:
    """Serve the page until this is interrupted; what is being built then is given up.

    Args:
        options: those that the networks were found with.
        found: from ``pipeline.frontier.explore_model``.
        port: where; 0: any that is free.
        tell: gets the page's address.

    Raises:
        EdgePruneError: the port is not to be had.
    """
    builds = Builds(options, found["points"])
    with PageServer(port, frontier_page(found, builds=True), builds) as server:
        tell(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass  # how one ends it
        finally:
            builds.stop()


def check_port(port: int) -> None:
    """Find out before any long work whether a port can be listened on.

    Args:
        port: 0: any that is free.

    Raises:
        EdgePruneError: it cannot.
    """
    _Server(port, BaseHTTPRequestHandler).server_close()


class _Server(ThreadingHTTPServer):
    """Listens on the loopback interface alone."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        try:
            super().__init__((LOOPBACK, port), handler)
        except OSError as error:
            what = f"{port} cannot be listened on: {error.strerror or error}"
            raise EdgePruneError("--port", what, "another one, or 0 for any that is free") from None

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser may leave in the middle of an answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Result:
    """What became of a build: its folder, or what was wrong."""

    folder: Path | None = None
    error: str | None = None


class Builds:
    """Builds the networks of a page, one at a time.

    Args:
        options: those that the networks were found with; results lie beside its folder.
        points: the networks.
    """

    def __init__(self, options: BuildOptions, points: Sequence[Mapping[str, Any]]) -> None:
        self._options = options
        self._points = points
        self._lock = Lock()
        self._over = Event()
        self._thread: Thread | None = None
        self._running: int | None = None
        self._step = ("", 0, 0)
        self._results: dict[int, Result] = {}

    def start(self, number: int) -> bool:
        """Begin to build a network; False: another one is being built, or there is none such."""
        with self._lock:
            if self._running is not None or number >= len(self._points):
                return False
            self._running, self._step = number, ("load", 0, 0)
            self._results.pop(number, None)
            self._thread = Thread(target=self._build, args=(number,))
            self._thread.start()
            return True

    @property
    def state(self) -> dict[str, Any]:
        """What is being built and how far it is, and what became of those before."""
        with self._lock:
            step, done, total = self._step
            return {
                "running": self._running,
                "step": step,
                "done": done,
                "total": total,
                "folders": {k: str(r.folder) for k, r in self._results.items() if r.folder},
                "errors": {k: r.error for k, r in self._results.items() if r.error},
            }

    def report(self, number: int) -> Path | None:
        """The page of a network that was built."""
        folder = self._results.get(number, Result()).folder
        return None if folder is None else folder / "report.html"

    def stop(self) -> None:
        """Give up what is being built; nothing of it stays."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _build(self, number: int) -> None:
        result = Result(error=_ENDED)
        try:
            options = options_of(self._options, self._points[number])
            result = Result(build(options, self._told).out)
        except EdgePruneError as error:
            result = Result(error=str(error))
        except (OSError, MemoryError) as error:
            result = Result(error=f"{error.__class__.__name__}: {error}")
        except _StoppedError:
            pass
        finally:
            with self._lock:
                self._results[number], self._running = result, None

    def _told(self, stage: str, done: int, total: int) -> None:
        if self._over.is_set():
            raise _StoppedError
        with self._lock:
            self._step = stage, done, total


class _StoppedError(Exception):
    """Whoever waited for the build has gone."""


def options_of(options: BuildOptions, point: Mapping[str, Any]) -> BuildOptions:
    """The options that build a network of the page, into a folder beside the page's.

    Args:
        options: those that it was found with.
        point: the network, as in explore.json.
    """
    out = options.out.with_name(f"{options.out.name}-{point['flash_bytes']}")
    command = shlex.join([*shlex.split(point["command"])[:-1], str(out)])
    budget = point["budget_bytes"]
    ram = None if budget is None else options.ram  # the first point is the network as it is
    return replace(options, budget=budget, ram=ram, out=out, command=command, force=False)


class PageServer(_Server):
    """Serves a page, the state of its builds, and the reports of those that are done.

    Args:
        port: on the loopback interface; 0: any.
        page: HTML.
        builds: what its buttons start.

    Attributes:
        address: of the page, with the token.

    Raises:
        EdgePruneError: the port is not to be had.
    """

    def __init__(self, port: int, page: str, builds: Builds) -> None:
        super().__init__(port, _Handler)
        self.page, self.builds = page, builds
        self.token = secrets.token_urlsafe()
        self.address = f"http://{LOOPBACK}:{self.server_port}/{self.token}/"


def _text(file: Path | None) -> str | None:
    """What a file says that may have gone since."""
    try:
        return None if file is None else file.read_text(encoding="utf-8")
    except OSError:
        return None


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = SECONDS

    def do_GET(self) -> None:
        builds, (what, number) = self.server.builds, self._asked()
        if what == "" and number is None:
            self._send(HTTPStatus.OK, self.server.page)
        elif what == "state" and number is None:
            self._send(HTTPStatus.OK, json.dumps(builds.state), "application/json")
        elif what == "report" and number is not None and (text := _text(builds.report(number))):
            self._send(HTTPStatus.OK, text)
        else:
            self._send(HTTPStatus.NOT_FOUND, "")

    def do_POST(self) -> None:
        what, number = self._asked()
        if what != "build" or number is None:
            self._send(HTTPStatus.NOT_FOUND, "")
        elif self.server.builds.start(number):
            self._send(HTTPStatus.ACCEPTED, "")
        else:
            self._send(HTTPStatus.CONFLICT, "")

    def _asked(self) -> tuple[str | None, int | None]:
        """What stands behind the token, and the number of a network behind that."""
        found = re.fullmatch(r"/([\w-]+)/([a-z]*)(?:/(\d{1,6}))?", self.path, re.ASCII)
        if found is None or not secrets.compare_digest(found[1], self.server.token):
            return None, None
        return found[2], int(found[3]) if found[3] else None

    def _send(self, status: HTTPStatus, text: str, kind: str = "text/html") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the address holds the token."""
