"""Functions that say which of their arguments is wrong, by its type and by its name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, get_type_hints

from edgeprune.errors import EdgePruneError
from edgeprune.schema import checked

P = ParamSpec("P")
R = TypeVar("R")


def named(function: Callable[P, R]) -> Callable[P, R]:
    """Check arguments against the types that a function declares, before it begins.

    An argument that there is none of says which was meant. Options of the command line that errors
    speak of are called as the arguments are, but for those in commands, between backticks.
    """
    known = inspect.signature(function).parameters
    places = [n for n, p in known.items() if p.kind is p.POSITIONAL_OR_KEYWORD]

    @cache
    def hints() -> dict[str, Any]:
        return get_type_hints(function, include_extras=True)

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                close = get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f"did you mean {close[0]}=?" if close else f"there are {', '.join(known)}"
                raise EdgePruneError(function.__name__, f"has no argument {name!r}", hint)
        if len(args) > len(places):
            said = " and ".join(filter(None, (", ".join(places[:-1]), *places[-1:])))
            what = f"takes {said} by position, got {len(args)} values"
            others = [n for n in known if n not in places]
            hint = f"give the others by name: {others[0]}=..." if others else ""
            raise EdgePruneError(function.__name__, what, hint)
        for name, value in {**dict(zip(known, args, strict=False)), **kwargs}.items():
            checked(value, hints()[name], name)
        try:
            return function(*args, **kwargs)
        except EdgePruneError as error:
            texts = (error.where, error.what, error.hint)
            error.where, error.what, error.hint = (_of_arguments(t, known) for t in texts)
            raise

    return called


def _of_arguments(text: str, known: Collection[str]) -> str:
    """A text of options as one of arguments; what is no argument stays an option."""

    def name(option: re.Match[str]) -> str:
        own = option[1].replace("-", "_")
        forms = (own, f"{own}s", own.removesuffix("on") + "a")  # criterion, criteria
        return next((n for n in known if n in forms), option[0])

    parts = text.split("`")
    parts[::2] = [re.sub(r"(?<![\w-])--([a-z][a-z-]*)", name, part) for part in parts[::2]]
    return "`".join(parts)
