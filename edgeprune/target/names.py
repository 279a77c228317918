"""Targets by their names."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from edgeprune.errors import EdgePruneError
from edgeprune.resources import targets_dir
from edgeprune.target.facts import Target
from edgeprune.target.profile import listed, read_profile

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*")


def list_targets() -> tuple[str, ...]:
    """Names of the targets that come with the package, cores before boards."""
    return tuple(t.name for t in listed())


def load_target(name_or_path: str | Path, option: str = "--target") -> Target:
    """Read the profile of a target.

    Args:
        name_or_path: a name of :func:`list_targets`, or the path of one's own ``.toml``.
        option: where it was named, for messages.

    Raises:
        EdgePruneError: there is no such target, or its profile is wrong.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return read_profile(
            path, name=path.parent.name if path.name == "profile.toml" else path.stem
        )
    name = str(name_or_path)
    known = sorted(p.parent.name for p in targets_dir().glob("*/profile.toml"))
    if name not in known:
        meant = _nearest(name, known)
        asked = f"did you mean {meant}? " if meant else ""
        hint = f"{asked}`edgeprune targets` lists all; or give the path of your own .toml"
        raise EdgePruneError(option, f"there is no target {name!r}", hint)
    return read_profile(targets_dir() / name / "profile.toml", name=name)


def _nearest(name: str, known: list[str]) -> str | None:
    """The name that was meant: one that holds all that was written, else one that looks like it."""
    plain = name.lower().replace("_", "-")
    whole = [k for k in known if plain in k] if len(plain) > 2 else []
    words = [k for k in whole if plain in k.split("-")]
    for few in ([plain] if plain in known else [], whole, words):
        if len(few) == 1:
            return few[0]
    return next(iter(difflib.get_close_matches(plain, whole or known, 1, 0.7)), None)


def listed_target(name: str, where: str) -> Target:
    """The target that a file names, which is none that a file could describe.

    Args:
        name: of :func:`list_targets`; not a path, whose profile would say what is run.
        where: the file, for messages.

    Raises:
        EdgePruneError: it is none of those.
    """
    if not (targets_dir() / name / "profile.toml").is_file() or not _PLAIN.fullmatch(name):
        what = f"{name!r} is none of the targets that are listed"
        raise EdgePruneError(where, what, "give your own profile again: --target my_board.toml")
    return load_target(name)
