"""What functions show in a notebook: pages as results, and bars while they work."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

from edgeprune.progress import Progress, silent
from edgeprune.report.page import frame

PAUSE = 0.2  # seconds between two pictures of the same stages

Show = Callable[[str], Callable[[str], None]]
"""Shows HTML, and gives what replaces it."""


class Result(dict[str, Any]):
    """What a command found; a notebook shows its page.

    Args:
        content: of the JSON file.
        page: the page that was written beside it.
    """

    def __init__(self, content: Mapping[str, Any], page: Path) -> None:
        super().__init__(content)
        self.page = page

    def _repr_html_(self) -> str | None:
        if not self.page.is_file():
            return None  # moved away meanwhile: the plain form is shown
        return frame(self.page.read_text(encoding="utf-8"))


class Bars:
    """Progress as bars in a notebook, a line for each stage.

    Args:
        show: see :data:`Show`.
        clock: seconds that only grow.
    """

    def __init__(self, show: Show, clock: Callable[[], float] = time.monotonic) -> None:
        self._show, self._clock = show, clock
        self._stages: dict[str, tuple[int, int]] = {}
        self._update: Callable[[str], None] | None = None
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Told how far a stage is, see :data:`edgeprune.progress.Progress`."""
        is_new = stage not in self._stages
        self._stages[stage] = done, total
        now = self._clock()
        if not is_new and now - self._last < PAUSE and done != total:
            return
        self._last = now
        if self._update is None:
            self._update = self._show(self._html())
        else:
            self._update(self._html())

    def _html(self) -> str:
        rows = []
        for stage, (done, total) in self._stages.items():
            bar = f'<progress value="{done}" max="{total}"></progress> {done:,} of {total:,}'
            rows.append(f"<div>{escape(stage)} {bar if total else ''}</div>")
        return "".join(rows)


def told(progress: Progress | None) -> Progress:
    """Who is told: whoever was named; else bars in a notebook, and nobody elsewhere."""
    if progress is not None:
        return progress
    return Bars(_display) if _is_notebook() else silent


def _is_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config


def _display(html: str) -> Callable[[str], None]:
    ipython: Any = import_module("IPython.display")  # there in a notebook, and nowhere else
    handle = ipython.display(ipython.HTML(html), display_id=True)
    return lambda text: handle.update(ipython.HTML(text))
