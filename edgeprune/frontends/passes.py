"""What passes over a graph ask."""

from __future__ import annotations

from edgeprune.ir import Graph, Node


def only_user(graph: Graph, value: str) -> Node | None:
    """The node that alone reads a value, if the value is no output."""
    users = graph.users[value]
    return users[0] if len(users) == 1 and value not in graph.outputs else None


def fresh(names: set[str], name: str) -> str:
    """A name that is not taken; it is from now on."""
    found, n = name, 1
    while found in names:
        n += 1
        found = f"{name}_{n}"
    names.add(found)
    return found
