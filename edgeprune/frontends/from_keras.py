"""Keras and TensorFlow in: TensorFlow's own converter makes a float ``.tflite``, which is read."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.keras_dictionaries import names_of_dictionary
from edgeprune.frontends.keras_norms import with_norms
from edgeprune.frontends.normalize import normalize
from edgeprune.frontends.ports import unread_notes
from edgeprune.frontends.refusals import Refusal, refusal
from edgeprune.ir import Graph
from edgeprune.progress import silenced

MAX_BYTES = 512 << 20
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # members of a .keras file, as Keras does it
CODE_HINT = (
    "model.export('folder') writes a SavedModel, which is read without the Python code of Lambda "
    "layers and of classes of one's own"
)
SAVE_HINT = "save the whole model again: model.save('model.keras') or model.export('folder')"


def load(path: str | Path) -> Graph:
    """Read a ``.keras`` or ``.h5`` file, or a SavedModel folder.

    Code in the file (Lambda layers) is not run. Batch norm is folded by TensorFlow; what it
    multiplied with is kept for training where the file has Keras's layers, so not for SavedModels.

    Args:
        path: the file or folder.

    Returns:
        The network, channels last, without batch.

    Raises:
        UnsupportedError: operators that cannot be compiled, all of them.
        EdgePruneError: TensorFlow is not installed, or it cannot read or convert the model.
    """
    path = Path(path)
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    size = sum(f.stat().st_size for f in files)
    if size > MAX_BYTES:
        raise EdgePruneError(
            str(path), f"has {size} bytes, more than the {MAX_BYTES} that are read"
        )
    with silenced():
        tf = _tensorflow(path)
        content, model = _convert(tf, path)
    read = replace(parse(content, str(path)), name=path.stem, origin="keras")
    return with_norms(normalize(_with_own_ports(read, tf, path, model)), model)


def _tensorflow(path: Path) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    try:
        import tensorflow
    except ImportError:
        raise EdgePruneError(
            str(path), "needs TensorFlow to be read", "pip install 'edgeprune[keras]'"
        ) from None
    return tensorflow


def _convert(tf: Any, path: Path) -> tuple[bytes, Any]:
    """A float32 ``.tflite`` file of the model, and the model where it is one of Keras."""
    model = None
    try:
        if path.is_dir():
            converter = _converter_of_folder(tf, path)
        else:
            model = tf.keras.models.load_model(str(path), compile=False, safe_mode=True)
            _refuse_layers(tf, path, model)
            _write_out(tf, model)
            converter = _converter(tf, path, model)
    except EdgePruneError:
        raise
    except Exception as e:
        raise EdgePruneError(
            str(path), f"TensorFlow cannot read it: {_first_line(e)}", _hint(path)
        ) from e
    try:
        content: bytes = converter.convert()
    except Exception as e:
        raise UnsupportedError(
            str(path),
            f"TensorFlow cannot convert it to TFLite: {_first_line(e)}",
            "use operators that TFLite has built in",
        ) from e
    return content, model


def _hint(path: Path) -> str:
    """What helps with a file that Keras does not read."""
    return CODE_HINT if path.is_file() and _holds_network(path) else SAVE_HINT


def _holds_network(path: Path) -> bool:
    """Whether a file of Keras is whole, and has more than weights."""
    import h5py  # type: ignore[import-untyped]  # comes with TensorFlow

    try:
        if not zipfile.is_zipfile(path):
            with h5py.File(path) as file:
                return bool(json.loads(file.attrs["model_config"]))
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
            if any(m.compress_type not in PACKED for m in members):
                return False
            size = sum(m.file_size for m in members)
            return size <= MAX_BYTES and not file.testzip() and bool(file.getinfo("config.json"))
    except (OSError, EOFError, LookupError, RuntimeError, TypeError, ValueError):
        return False
    except (zipfile.BadZipFile, zlib.error):
        return False


def _refuse_layers(tf: Any, path: Path, model: Any) -> None:
    """Layers whose TFLite form would be refused by the names of operators, refused by their own."""
    found = []
    for layer in model._flatten_layers():
        kind, what, hint = type(layer).__name__, "", ""
        if isinstance(layer, tf.keras.layers.RNN) and layer.stateful:
            what = "keeps its state between calls"
            hint = "build it with stateful=False, and give it whole sequences"
        elif isinstance(layer, tf.keras.layers.Masking):
            what = f"leaves out steps that hold nothing but {float(layer.mask_value):g}"
            hint = "build it without: steps are compiled ahead, all of them run"
        if what:
            found.append(Refusal(kind, layer.name, what, hint))
    if found:
        raise refusal(str(path), found)


def _write_out(tf: Any, model: Any) -> None:
    """Recurrent layers as steps one behind the other: TFLite's loops are not read."""
    for layer in model._flatten_layers():
        if isinstance(layer, tf.keras.layers.RNN):
            layer.unroll = True


def _converter(tf: Any, path: Path, model: Any) -> Any:
    """TensorFlow's converter of a Keras model for a batch of 1; it keeps the order of its ports."""
    inputs = getattr(model, "inputs", None)
    if not inputs:  # classes of one's own, which Keras knows no inputs of
        return tf.lite.TFLiteConverter.from_keras_model(model)
    for x in inputs:
        if None in x.shape[1:]:
            axis = tuple(x.shape).index(None, 1)
            raise EdgePruneError(
                f"{path}: input {x.name!r}", f"axis {axis} has no fixed length",
                "give the model's Input a whole shape",
            )  # fmt: skip
    specs = [tf.TensorSpec((1, *x.shape[1:]), x.dtype) for x in inputs]
    structure = inputs[0] if isinstance(model, tf.keras.Sequential) else model.input

    @tf.function(input_signature=specs)  # type: ignore[untyped-decorator]
    def serve(*given: Any) -> list[Any]:
        made = model(tf.nest.pack_sequence_as(structure, given), training=False)
        return [tf.identity(y) for y in tf.nest.flatten(made)]

    return tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()])


def _converter_of_folder(tf: Any, path: Path) -> Any:
    """TensorFlow's converter of a SavedModel.

    The loader of TensorFlow 1 freezes the graph and rebuilds no Python objects, which Keras 3
    cannot do for models that Keras 2 saved with their optimizer. It fails over inputs that
    freezing left nothing to read of, so that those are not asked for.
    """
    make = tf.compat.v1.lite.TFLiteConverter.from_saved_model
    converter = make(str(path))
    frozen = getattr(converter, "_graph_def", None)
    inputs = converter.get_input_arrays()
    if frozen is None or not inputs:
        return converter
    nodes = {n.name for n in frozen.node}
    read = [v for v in inputs if v in nodes]
    return converter if read in ([], inputs) else make(str(path), input_arrays=read)


def _with_own_ports(graph: Graph, tf: Any, path: Path, model: Any) -> Graph:
    """The graph with the order and names that the model gives its inputs and outputs."""
    if path.is_dir():
        inputs, outputs = _signature(tf, path)
        left_out = unread_notes(inputs[v] for v in inputs if v not in graph.inputs)
        graph = replace(
            graph,
            notes=(*graph.notes, *left_out),
            inputs=_ordered(graph.inputs, list(inputs)),
            outputs=_ordered(graph.outputs, list(outputs)),
        )
        return _called(graph, {**inputs, **outputs})
    if not getattr(model, "inputs", None):
        return graph
    names = dict(zip(graph.inputs, (x.name for x in model.inputs), strict=True))
    said = getattr(model, "output_names", None) or [model.layers[-1].name]
    return _called(graph, names | dict(zip(graph.outputs, said, strict=False)))


def _ordered(values: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(values, key=lambda v: names.index(v) if v in names else len(names)))


def _called(graph: Graph, names: Mapping[str, str]) -> Graph:
    """The graph with other names of its ports, by value; one that is taken gets a number."""
    ports = dict(graph.ports)
    taken: set[str] = set()
    for v in (*graph.inputs, *graph.outputs):
        said = names.get(v, ports[v].name)
        numbered = (said, *(f"{said}_{k}" for k in range(1, len(ports) + 1)))
        ports[v] = replace(ports[v], name=next(n for n in numbered if n not in taken))
        taken.add(ports[v].name)
    return replace(graph, ports=ports)


def _signature(tf: Any, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What a SavedModel's signature calls inputs and outputs, by their names in the graph.

    It has no order but that of their names.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    found = saved_model_pb2.SavedModel()
    found.ParseFromString((folder / "saved_model.pb").read_bytes())
    key = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    for meta in found.meta_graphs:
        if key in meta.signature_def:
            serving = meta.signature_def[key]
            inputs, outputs = (
                {ends[k].name.removesuffix(":0"): k for k in sorted(ends, key=_by_number)}
                for ends in (serving.inputs, serving.outputs)
            )
            own = names_of_dictionary(meta.object_graph_def, list(inputs.values()))
            return {v: own.get(k, k) for v, k in inputs.items()}, outputs
    return {}, {}


def _by_number(name: str) -> tuple[str, int]:
    """output_10 behind output_9."""
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


def _first_line(e: BaseException) -> str:
    lines = [line.strip() for line in str(e).splitlines() if line.strip()]
    return (lines[0] if lines else type(e).__name__)[:300]
