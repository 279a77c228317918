"""PyTorch in: ``.pt2`` files of ``torch.export.save``, and modules with an example input."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_onnx.reader import MixesBatchError
from edgeprune.frontends.from_torch.archive import HINT, read_program
from edgeprune.frontends.from_torch.convert import convert
from edgeprune.frontends.from_torch.example import HINT as EXAMPLE_HINT
from edgeprune.frontends.from_torch.example import examples_of
from edgeprune.frontends.from_torch.table import TABLE
from edgeprune.frontends.normalize import normalize
from edgeprune.ir import Graph
from edgeprune.progress import silenced


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


REGISTER = (
    "let forward take and give tensors, tuples or dictionaries of them; or tell torch the class: "
    "torch.export.register_dataclass(Output, serialized_type_name='Output')"
)


def export(module: Any, example: Any, path: Path, data: Path | None = None) -> Path:
    """Write a PyTorch module as a ``.pt2`` file.

    Args:
        module: a ``torch.nn.Module``, which is put in inference mode for the export and left as it
            was; or an exported program.
        example: an input of a module, batch in front (or a tuple of inputs); None: the first
            sample.
        path: where to.
        data: samples.

    Raises:
        EdgePruneError: it is no module, there is no example, or PyTorch cannot export it.
    """
    import torch

    where = type(module).__name__
    if isinstance(module, torch.export.ExportedProgram):
        torch.export.save(module, path)
        return path
    if not isinstance(module, torch.nn.Module):
        what = "is no torch.nn.Module and no path of a model"
        raise EdgePruneError(where, what, _instead(module))
    if example is None:
        tries, hint = examples_of(module, data), EXAMPLE_HINT
    else:
        given = example if isinstance(example, tuple) else (example,)
        tries, hint = [tuple(torch.as_tensor(a) for a in given)], "the model must be traceable"
    *early, last = tries
    for arguments in early:
        with contextlib.suppress(Exception):  # what PyTorch raises over a wrong type is anything
            torch.export.save(_program(module, arguments), path)
            return path
    try:
        torch.export.save(_program(module, last), path)
    except OSError:  # of the disk
        raise
    except Exception as e:
        first = (str(e).strip().splitlines() or [type(e).__name__])[0]
        if "not a known type" in first or "_type_name" in first:
            hint = REGISTER
        raise EdgePruneError(where, f"torch.export cannot export it: {first[:300]}", hint) from e
    return path


def _instead(given: Any) -> str:
    """What helps where something else was given than a module."""
    import torch

    if isinstance(given, type) and issubclass(given, torch.nn.Module):
        return f"give an instance: {given.__name__}()"
    if isinstance(given, Mapping):
        return "give the module that these weights are of, after module.load_state_dict()"
    return "save it and give its path: model.save('model.keras') in Keras"


def _program(module: Any, arguments: tuple[Any, ...]) -> Any:
    """The program of a module in inference mode, which is then as it was, part by part."""
    import torch

    training = {part: part.training for part in module.modules()}
    try:
        with silenced():
            return torch.export.export(module.eval(), arguments)
    finally:
        for part, was in training.items():
            part.training = was
