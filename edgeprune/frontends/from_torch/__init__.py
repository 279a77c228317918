"""PyTorch in: ``.pt2`` files of ``torch.export.save``, and modules with an example input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_onnx.reader import MixesBatchError
from edgeprune.frontends.from_torch.archive import HINT, read_program
from edgeprune.frontends.from_torch.convert import convert
from edgeprune.frontends.from_torch.table import TABLE
from edgeprune.frontends.normalize import normalize
from edgeprune.ir import Graph
from edgeprune.progress import silenced

__all__ = ["TABLE", "export", "load"]


def load(path: str | Path) -> Graph:
    """Read a ``.pt2`` file. No pickle in it is opened.

    Args:
        path: what ``torch.export.save`` wrote.

    Returns:
        The network, channels last, without batch.

    Raises:
        UnsupportedError: operators that cannot be compiled, all of them.
        EdgePruneError: the file is malformed, or is a pickled checkpoint.
    """
    path = Path(path)
    if path.suffix.lower() != ".pt2":
        raise EdgePruneError(
            str(path), "is a pickled checkpoint, which could run any code and is not opened", HINT
        )
    program = read_program(path)
    try:
        graph = convert(program, path.stem, batched=True)
    except MixesBatchError:
        graph = convert(program, path.stem, batched=False)
    return normalize(graph)


def export(module: Any, example: Any, path: Path) -> Path:
    """Write a PyTorch module as a ``.pt2`` file.

    Args:
        module: a ``torch.nn.Module``, which is put in inference mode for the export and left as it
            was; or an exported program.
        example: an input of a module, batch in front (or a tuple of inputs).
        path: where to.

    Raises:
        EdgePruneError: it is no module, there is no example, or PyTorch cannot export it.
    """
    import torch

    where = type(module).__name__
    if isinstance(module, torch.export.ExportedProgram):
        torch.export.save(module, path)
        return path
    if not isinstance(module, torch.nn.Module):
        hint = "save it and give its path: model.save('model.keras') in Keras"
        raise EdgePruneError(where, "is no torch.nn.Module and no path of a model", hint)
    if example is None:
        raise EdgePruneError(where, "needs example_input=, one input with its batch axis")
    given = example if isinstance(example, tuple) else (example,)
    arguments = tuple(torch.as_tensor(a) for a in given)
    training = {part: part.training for part in module.modules()}
    try:
        with silenced():
            program = torch.export.export(module.eval(), arguments)
    except Exception as e:
        first = (str(e).strip().splitlines() or [type(e).__name__])[0]
        raise EdgePruneError(
            where, f"torch.export cannot export it: {first[:300]}", "the model must be traceable"
        ) from e
    finally:
        for part, was in training.items():
            part.training = was
    torch.export.save(program, path)
    return path
