"""Which tests run which lines of a program, and how long each takes."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Trace:
    """What one test file runs.

    Attributes:
        seconds: how long each test takes; of those that pass.
        lines: for each source file, for each test, the lines that it runs.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[int]]]


class _Recorder:
    """Part of pytest: tells ``coverage`` which test is on, and notes how long it takes."""

    def __init__(self, meter: Any) -> None:
        self.meter = meter
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.meter.switch_context(item.nodeid)
        start = time.monotonic()
        done = yield
        self.seconds[item.nodeid] = time.monotonic() - start
        self.meter.switch_context("")
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.failed.add(report.nodeid)


class Chosen:
    """Part of pytest: runs some tests, in an order."""

    def __init__(self, order: list[str]) -> None:
        self.rank = {name: i for i, name in enumerate(order)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        mine = [i for i in items if i.nodeid in self.rank]
        items[:] = sorted(mine, key=lambda i: self.rank[i.nodeid])


def trace(folder: Path, tests: str, options: list[str], to: Path) -> None:
    """Run a test file once, and write what it runs of ``edgeprune``."""
    import coverage

    meter = coverage.Coverage(data_file=None, source=[str(folder / "edgeprune")])
    recorder = _Recorder(meter)
    meter.start()
    pytest.main([*options, tests], plugins=[recorder])
    meter.stop()
    data = meter.get_data()
    lines: dict[str, dict[str, list[int]]] = {}
    for file in data.measured_files():
        of_tests = defaultdict(list)
        for line, names in data.contexts_by_lineno(file).items():
            for name in names:
                of_tests[name].append(line)
        lines[str(Path(file).relative_to(folder))] = dict(of_tests)
    seconds = {k: v for k, v in recorder.seconds.items() if k not in recorder.failed}
    to.write_text(json.dumps({"seconds": seconds, "lines": lines}))


def key_of(folder: Path, tests: str, sources: list[Path]) -> str:
    """What a trace depends on."""
    key = hashlib.sha256()
    for file in (folder / tests, *sources):
        key.update(file.read_bytes())
    return f"{Path(tests).stem}-{key.hexdigest()[:16]}"


def order_of(
    traces: dict[str, Trace], path: Path, lines: tuple[int, int]
) -> tuple[list[str], list[str], float]:
    """The test files that run some lines, their tests, those first that do so, and their seconds.

    What a test needs may have been made for another one before, so that all tests of a file are
    among them. Lines that run when a file is imported are run by who runs any other of it.
    """
    ranked: list[tuple[bool, float, float, str]] = []
    files = []
    wanted = set(range(lines[0], lines[1] + 1))
    of_file = {f: t.lines.get(str(path), {}) for f, t in traces.items()}
    imported = not any(
        name and wanted.intersection(ran) for runs in of_file.values() for name, ran in runs.items()
    ) and any(wanted.intersection(runs.get("", ())) for runs in of_file.values())
    for file, runs in of_file.items():
        those = {n for n, ran in runs.items() if n and (imported or wanted.intersection(ran))}
        if not those:
            continue
        files.append(file)
        seconds = traces[file].seconds
        whole = sum(seconds[n] for n in those if n in seconds)
        ranked += [(n not in those, whole, s, n) for n, s in seconds.items()]
    return files, [n for *_, n in sorted(ranked)], sum(s for _, _, s, _ in ranked)
