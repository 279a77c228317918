"""Functions that say which of their arguments is wrong, by its type and by its name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, get_type_hints

from edgeprune.errors import EdgePruneError
from edgeprune.schema import checked

P = ParamSpec("P")
R = TypeVar("R")


def named(function: Callable[P, R]) -> Callable[P, R]:
    """Check arguments against the types that a function declares, before it begins.

    An argument that there is none of says which was meant. What is wrong with the value of one is
    said of its name in Python, also where the command line's option has been found wrong.
    """
    known = inspect.signature(function).parameters

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
        for name, value in {**dict(zip(known, args, strict=False)), **kwargs}.items():
            checked(value, hints()[name], name)
        try:
            return function(*args, **kwargs)
        except EdgePruneError as error:
            option = error.where.removeprefix("--").replace("-", "_")
            plurals = f"{option}s", option.removesuffix("on") + "a"  # criterion, criteria
            meant = [name for name in known if name in (option, *plurals)]
            if error.where.startswith("--") and meant:
                error.where = meant[0]
            raise

    return called
