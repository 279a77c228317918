"""A board behind a debug probe: pyocd opens it, the self-test's rings are the line."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgeprune.errors import EdgePruneError
from edgeprune.toolchain.line import Port
from edgeprune.toolchain.rtt import Line

RAM = (0x20000000, 128 << 10)
"""Where the self-test's rings are looked for: the SRAM of a Cortex-M, and its first bytes."""

UNTOUCHED = {"no_config": True, "user_script": os.devnull, "project_dir": os.curdir}
"""Options of a session that runs and reads nothing that lies in the folder where one stands."""


@contextmanager
def opened(name: str, where: str) -> Iterator[Port]:
    """The line of a board that runs.

    Args:
        name: the probe's unique id, or its first characters; empty: the only one.
        where: the line's name, in messages.

    Raises:
        EdgePruneError: there is no pyocd, no such probe or more than one, or what it says.
    """
    try:
        helpers = importlib.import_module("pyocd.core.helpers")
        sessions = importlib.import_module("pyocd.core.session")
        exceptions = importlib.import_module("pyocd.core.exceptions")
    except ImportError:
        what = "pyocd, which talks with debug probes, is not installed"
        raise EdgePruneError(where, what, "pip install pyocd") from None
    try:
        found = helpers.ConnectHelper.get_all_connected_probes(blocking=False)
        probe = _the_one([p for p in found if p.unique_id.startswith(name)], found, where)
        options = {"connect_mode": "attach", "resume_on_disconnect": True, **UNTOUCHED}
        with sessions.Session(probe, options=options) as session:
            yield Line(session.target, RAM, where)
    except exceptions.Error as error:
        hint = "is the board powered, and does no other program use its probe?"
        raise EdgePruneError(where, f"the probe fails: {error}", hint) from error


def _the_one(named: list[Any], found: list[Any], where: str) -> Any:
    if len(named) == 1:
        return named[0]
    ids = ", ".join(str(p.unique_id) for p in found)
    if not found:
        raise EdgePruneError(where, "no debug probe is plugged in", "`pyocd list` shows them")
    what = f"{len(named) or 'none'} of {len(found)} debug probes is meant: {ids}"
    raise EdgePruneError(where, what, "name one: --on probe:ID")
