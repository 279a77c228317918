"""One line a node: what ``print(to_text(graph))`` and ``--dump`` show."""

from __future__ import annotations

from edgeprune.ir.graph import Graph


def to_text(graph: Graph) -> str:
    """A graph as text, one line a value and a node, in execution order."""
    lines = [f"graph {graph.name!r}"]
    lines += [f"  input {v}: {graph.types[v]}" for v in graph.inputs]
    for n in graph.nodes:
        args = ", ".join(f"{v}:{graph.types[v]}" if v in graph.constants else v for v in n.inputs)
        lines.append(f"  {n.output}: {graph.types[n.output]} = {n.op}({args})  # {n.name}")
    lines.append(f"  output {', '.join(graph.outputs)}")
    return "\n".join(lines)
