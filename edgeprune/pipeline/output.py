"""Folders that appear whole or not at all, and take the place of earlier results only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edgeprune.errors import EdgePruneError
from edgeprune.files import replace_text
from edgeprune.pipeline import manifest
from edgeprune.scratch import locked, work_folder

if TYPE_CHECKING:
    from edgeprune.pipeline.options import BuildOptions

NAMED = 5  # files in the way that a message names
ELSEWHERE = "name another folder with -o"
# In a folder for work in progress: what is made, and the earlier result on its way out.
_NEW, _OLD = "new", "old"


@contextmanager
def whole_folder(out: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside ``out`` that takes its place when all went well.

    Args:
        out: what is to appear. A link stays, and what it points to is written.
        force: replace ``out`` whatever it holds.

    Raises:
        EdgePruneError: ``out`` cannot be written, or holds something that an earlier build did not
            write, or did not leave so.
    """
    place = _place(out, force)
    with _told(out), _parents(place), work_folder(place.parent, _put_back) as work:
        new = work / _NEW
        new.mkdir()
        yield new
        manifest.write(new)
        with locked(place.parent):
            _refuse_strangers(out, place, force)
            _swap(work, place)


def check_writable(out: Path, *, force: bool = False) -> None:
    """Find out before any long work whether ``out`` can be written.

    Args:
        out: the folder.
        force: as in :func:`whole_folder`.

    Raises:
        EdgePruneError: it cannot.
    """
    place = _place(out, force)
    with _told(out), _parents(place), work_folder(place.parent, _put_back):
        pass


def write_result(
    options: BuildOptions,
    stem: str,
    content: Mapping[str, object],
    page: str,
    more: Mapping[str, str],
) -> None:
    """Write what was found out about a network: JSON, a page, and other text files.

    Args:
        options: which folder, and whether what it holds may go.
        stem: what the JSON and the page are called.
        content: of the JSON.
        page: HTML.
        more: by name, further files.
    """
    with whole_folder(options.out, force=options.force) as folder:
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        (folder / f"{stem}.json").write_text(text)
        (folder / f"{stem}.html").write_text(page, encoding="utf-8")
        for name, body in more.items():
            (folder / name).write_text(body)


def replace_file(folder: Path, name: str, text: str) -> None:
    """Write a file of a result anew: in the folder itself, also where a link of that name is.

    Raises:
        EdgePruneError: it cannot be written.
    """
    with _told(folder / name):
        replace_text(folder / name, text)
        manifest.update(folder, name)


def _place(out: Path, force: bool) -> Path:
    """Where the folder really is, links followed; refuses what must not or cannot be replaced."""
    with _told(out):
        try:
            place = out.resolve()
        except RuntimeError:
            raise EdgePruneError(str(out), "is a link that leads in a circle", ELSEWHERE) from None
        except ValueError as error:
            raise EdgePruneError(str(out), f"is no name of a folder: {error}", ELSEWHERE) from None
        here = Path.cwd()
        if here.is_relative_to(place):
            what = "is the folder that this runs in, or around it, and would be replaced"
            raise EdgePruneError(str(out), what, f"name a folder in it: -o {out / 'build'}")
        if _exists(place):
            with locked(place.parent):
                if _exists(place):  # another build may be replacing it
                    _refuse_occupied(out, place, force)
        return place


def _refuse_occupied(out: Path, place: Path, force: bool) -> None:
    """Refuse what is there and must not be, or cannot be, replaced."""
    if not place.is_dir():
        raise EdgePruneError(str(out), "is a file, not a folder", ELSEWHERE)
    if os.path.ismount(place):
        what = "is where a file system is mounted, and cannot be replaced"
        raise EdgePruneError(str(out), what, f"name a folder in it: -o {out / 'build'}")
    if not os.access(place, os.W_OK | os.X_OK):
        raise EdgePruneError(str(out), "cannot be written: no permission", ELSEWHERE)
    _refuse_strangers(out, place, force)


def _refuse_strangers(out: Path, place: Path, force: bool) -> None:
    found = [] if force or not place.is_dir() else manifest.strangers(place)
    if not found:
        return
    names = ", ".join(found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    raise EdgePruneError(
        str(out),
        f"holds what edgeprune did not write, or not so: {names}{more}",
        f"move it away, {ELSEWHERE}, or replace all that is there with --force",
    )


@contextmanager
def _parents(place: Path) -> Iterator[None]:
    """The folders around a place; those that were made for it go again where nothing came of it."""
    made = [p for p in place.parents if not p.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for folder in made:
            with suppress(OSError):  # it holds something now
                folder.rmdir()


def _swap(work: Path, place: Path) -> None:
    if not _exists(place):
        (work / _NEW).rename(place)
        return
    old = work / _OLD / place.name
    old.parent.mkdir()
    place.rename(old)
    try:
        (work / _NEW).rename(place)
    except OSError:
        old.rename(place)
        raise


def _put_back(work: Path) -> None:
    """An earlier result comes back that a process was killed in the middle of replacing."""
    if not (work / _NEW).is_dir() or not (work / _OLD).is_dir():
        return
    for old in (work / _OLD).iterdir():
        place = work.parent / old.name
        if not _exists(place):
            old.rename(place)


def _exists(path: Path) -> bool:
    """Whether anything has this name; a name that nothing can have is an error."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _told(where: Path) -> Iterator[None]:
    """What the system refuses is the user's to mend: a full disk, a missing permission."""
    try:
        yield
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise EdgePruneError(str(where), what, ELSEWHERE) from error
