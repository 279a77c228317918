"""Lines are added whole or not at all, whatever the disk does."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.files import append_line
from edgeprune.scratch import LOCK, work_folder

FULL = os.strerror(errno.EFBIG)


@contextmanager
def room(size: int) -> Iterator[None]:
    """Files that grow beyond so many bytes are refused, as by a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("before", "after"), [(None, "b\n"), ("", "b\n"), ("a\n", "a\nb\n"), ("a", "a\nb\n")]
)
def test_a_line_begins_where_the_last_one_ends(
    tmp_path: Path, before: str | None, after: str
) -> None:
    path = tmp_path / "lines"
    if before is not None:
        path.write_text(before)
    append_line(path, "b")
    assert path.read_text() == after


@pytest.mark.parametrize("before", [None, "", "a\n", "a"])
@pytest.mark.parametrize("left", [0, 1, 3])
def test_a_line_that_finds_no_room_leaves_a_file_as_it_was(
    tmp_path: Path, before: str | None, left: int
) -> None:
    path = tmp_path / "lines"
    if before is not None:
        path.write_text(before)
    with room(len(before or "") + left), pytest.raises(EdgePruneError, match=f"lines: .*{FULL}"):
        append_line(path, "a longer line")
    assert (path.read_text() if path.exists() else None) == before
    append_line(path, "b")
    assert path.read_text().splitlines() == [*(before or "").splitlines(), "b"]


@pytest.mark.parametrize("before", [None, ""])
def test_a_file_that_cannot_be_removed_after_a_line_that_failed_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    path = tmp_path / "lines"
    if before is not None:
        path.write_text(before)

    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", refused)
    with room(0), pytest.raises(EdgePruneError, match="lines: cannot be written"):
        append_line(path, "a")
    assert path.read_text() == ""


def test_a_line_for_a_folder_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(EdgePruneError, match="cannot be written: No such file"):
        append_line(tmp_path / "nowhere" / "lines", "a")


def test_a_folder_whose_lock_finds_no_room_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def full(path: Any, *how: Any, **more: Any) -> int:
        if Path(path).name == LOCK:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, *how, **more)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OSError, match="No space left"), work_folder(tmp_path, print):
        pass
    assert not [*tmp_path.iterdir()]
