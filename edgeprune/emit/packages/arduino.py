"""An Arduino library, in the layout of the library specification 1.5."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package
from edgeprune.target import list_targets, load_target


def arduino(files: Files, facts: Facts) -> dict[str, bytes]:
    """The library with an example sketch that runs the self-test and one inference.

    And one with a camera's line callback, where the input may come row by row.
    """
    c = parts(files, facts)
    templates = {
        "library.properties": "arduino/library.properties",
        "keywords.txt": "arduino/keywords.txt",
        "examples/SelfTest/SelfTest.ino": "arduino/SelfTest.ino",
    }
    places = {"src": (*c.all_sources, *c.all_headers)}
    if facts.is_fed:
        templates["examples/Camera/Camera.ino"] = "arduino/Camera.ino"
    target = facts.record["target"]
    boards = [target["arduino"]] if target["arduino"] else boards_with(target["name"])
    architectures = list(dict.fromkeys(board.split(":")[1] for board in boards))
    more = {"boards": boards, "architectures": architectures}
    return package("arduino", files, facts, places, templates, **more)


def boards_with(core: str) -> list[str]:
    """Arduino's names of the boards that have a core, of those that are known as targets."""
    known = (load_target(name) for name in list_targets())
    return [board.arduino for board in known if board.core == core and board.arduino]
