"""``verify_folder``, ``run``, ``flash``, ``compare`` and ``report_folder``: what a build wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeprune.api.arguments import Size
from edgeprune.pipeline.compare import compare_folders
from edgeprune.pipeline.flash import flash_plan, write_flash
from edgeprune.pipeline.log import builds
from edgeprune.pipeline.output import replace_file
from edgeprune.pipeline.run import run_folder
from edgeprune.pipeline.tracking import export
from edgeprune.pipeline.verify import Verdict
from edgeprune.pipeline.verify import verify as run_verify
from edgeprune.report.log import Entry
from edgeprune.report.page import page_of
from edgeprune.report.read import read_report


def verify_folder(folder: str | Path, *, target: str | None = None) -> Verdict:
    """Check every artifact in a folder that :func:`build` wrote.

    Its C is compiled and run: whoever wrote the folder has to be trusted.

    Args:
        folder: the folder.
        target: what it was built for, where that is a profile of one's own.

    Raises:
        EdgePruneError: it is no result of a build.
    """
    return run_verify(Path(folder), target=target)


def run(
    folder: str | Path, on: str | None = None, *, count: int = 100, profile: bool = False
) -> dict[str, Any]:
    """Run the firmware of a folder on an emulated core or a board, compare it with this machine.

    Args:
        folder: what :func:`build` wrote.
        on: an emulated target, None: what it was built for; or ``serial:/dev/ttyACM0``, a board
            that :func:`flash` wrote to.
        count: inferences.
        profile: also count by layer.

    Raises:
        EdgePruneError: it is no result of a build, or a tool is missing.
    """
    return run_folder(Path(folder), on, count=count, profile=profile)


def flash(
    folder: str | Path,
    board: str,
    *,
    port: str | None = None,
    probe: bool = False,
    tool: str | None = None,
    yes: bool = False,
) -> dict[str, Any]:
    """Build the self-test of a folder as whole firmware, and write it onto a board.

    Args:
        folder: what :func:`build` wrote.
        board: a board of ``edgeprune targets``, or the path of a profile.
        port: of its serial line, where the tool needs one: "/dev/ttyACM0".
        probe: it talks through a debug probe, not over the serial line.
        tool: which program writes it; None: the first that is installed.
        yes: write. Without it, only what would be run is returned.

    Raises:
        EdgePruneError: the folder is no build for this board, or a tool is missing or fails.
    """
    plan = flash_plan(Path(folder), board, port=port, tool=tool, probe=probe)
    if yes:
        write_flash(plan)
    return plan.record


def compare(
    a: str | Path,
    b: str | Path,
    *,
    max_flash_growth: Size | None = None,
    max_ram_growth: Size | None = None,
    max_instructions_growth: int | None = None,
    max_cycles_growth: int | None = None,
    max_drop: str | float | None = None,
) -> dict[str, Any]:
    """Two builds side by side.

    Args:
        a: the folder of one.
        b: that of the other.
        max_flash_growth: by how many bytes of flash B may be larger.
        max_ram_growth: of RAM, likewise.
        max_instructions_growth: by how many instructions an inference of B may be longer.
        max_cycles_growth: of cycles, likewise.
        max_drop: how much less accurate it may be: 0.005 or "0.5pt".

    Returns:
        Rows with both figures and the change; the keys whose limit is crossed.

    Raises:
        EdgePruneError: one is no result of a build.
    """
    return compare_folders(
        Path(a),
        Path(b),
        max_flash_growth=max_flash_growth,
        max_ram_growth=max_ram_growth,
        max_instructions_growth=max_instructions_growth,
        max_cycles_growth=max_cycles_growth,
        max_drop=max_drop,
    )


def report_folder(folder: str | Path) -> Path:
    """Make the page of a build again, from its report.json.

    Args:
        folder: what :func:`build` wrote.

    Returns:
        report.html.

    Raises:
        EdgePruneError: it is no result of a build, or was changed.
    """
    folder = Path(folder)
    replace_file(folder, "report.html", page_of(read_report(folder), str(folder / "report.json")))
    return folder / "report.html"


def log(
    path: str | Path = "edgeprune-log.jsonl",
    *,
    add: Sequence[str | Path] = (),
    mlflow: str | None = None,
) -> list[Entry]:
    """The record of builds that ``build(log=...)`` keeps.

    Args:
        path: the record.
        add: folders of builds that are added to it first.
        mlflow: a folder, or the address of a server, that gets those which it does not have yet.

    Returns:
        The builds, oldest first.

    Raises:
        EdgePruneError: there is no such record or folder, or MLflow does not take them.
    """
    entries = builds(Path(path), [Path(folder) for folder in add])
    if mlflow is not None:
        export(entries, mlflow)
    return entries
