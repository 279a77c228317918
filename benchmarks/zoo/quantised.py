"""Files of ONNX Runtime's quantiser, made of networks of PyTorch: QDQ, QOperator, dynamic."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks.zoo.check import Outcome, integers, to_ir
from benchmarks.zoo.torch_nets import NETS
from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.ir import Array, Graph, dequantise_array, fed, predict

NAMES = (
    "resnet", "mobilenet_v1", "seblock_cnn", "act_silu", "act_hardswish", "dilated_aspp",
    "unet_small", "upsample_bilinear_seg", "dscnn_kws", "tcresnet8", "bcresnet_like",
    "wavenet_like", "raw_audio_m5", "anomaly_ae", "mha_by_hand",
)  # fmt: skip
ROWS = 16
STEPS = 2.0
"""Mean difference from ONNX Runtime in steps of the output; it rounds in float."""
SHARE = 0.05
"""Of a file read as float: mean difference from the rounded one, of its answers' spread."""

Write = Callable[[Path, Path, Array], None]


class _Rows(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, x: Array) -> None:
        self.rows = iter(x)

    def get_next(self) -> Any:
        row = next(self.rows, None)
        return None if row is None else {"x": row[None]}


def _static(form: QuantFormat, activations: QuantType, *, per_channel: bool) -> Write:
    def write(source: Path, to: Path, x: Array) -> None:
        quantize_static(
            source, to, _Rows(x), quant_format=form, per_channel=per_channel,
            activation_type=activations, weight_type=QuantType.QInt8,
        )  # fmt: skip

    return write


def _dynamic(source: Path, to: Path, x: Array) -> None:
    quantize_dynamic(source, to, weight_type=QuantType.QUInt8)


FORMS: dict[str, Write] = {
    **{
        f"QDQ {kind}{' per channel' if each else ''}": _static(
            QuantFormat.QDQ, QuantType[kind], per_channel=each
        )
        for kind in ("QInt8", "QUInt8")
        for each in (False, True)
    },
    # QInt8: with uint8 ONNX Runtime's own products saturate on processors without VNNI
    "QOperator": _static(QuantFormat.QOperator, QuantType.QInt8, per_channel=True),
    "dynamic": _dynamic,
}


def cases() -> Iterator[tuple[str, Callable[[Path], Outcome]]]:
    """By network and form, what becomes of the file."""
    for name in NAMES:
        for form, write in FORMS.items():
            yield f"{name}, {form}", lambda folder, n=name, w=write: _run(n, w, folder)


def _run(name: str, write: Write, folder: Path) -> Outcome:
    torch.manual_seed(0)
    module, example = NETS[name]()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), example, buffer, dynamo=False, opset_version=17, input_names=["x"]
        )
    (folder / "exported.onnx").write_bytes(buffer.getvalue())
    # shared biases come through Identity nodes, on which ONNX Runtime's quantiser stumbles
    quant_pre_process(folder / "exported.onnx", folder / "float.onnx", skip_symbolic_shape=True)
    x = torch.randn(ROWS, *example[0].shape[1:]).numpy()
    write(folder / "float.onnx", folder / "net.onnx", x)
    try:
        graph = load(folder / "net.onnx")
    except EdgePruneError as e:
        return Outcome(why=str(e)[-160:])
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(folder / "net.onnx"), options)
    wanted = np.concatenate([session.run(None, {"x": row[None]})[0] for row in x])
    return _held_against(graph, x, wanted)


def _held_against(graph: Graph, x: Array, wanted: Array) -> Outcome:
    """Integers in steps and against LiteRT to the bit; what is read as float by its spread."""
    (v,), (y,) = graph.inputs, graph.outputs
    rows, port = to_ir(x, graph.ports[v]), graph.ports[y]
    wrong = 0
    if graph.is_quantised:
        ours, theirs = integers(graph, fed(graph, rows))
        found, wrong = dequantise_array(ours, graph.types[y]), int((ours != theirs).sum())
    else:
        found = predict(graph, rows)
    if port.perm:
        found = found.transpose(0, *(a + 1 for a in port.perm))
    gap = float(np.abs(found.reshape(wanted.shape) - wanted).mean())
    unit = graph.types[y].quant.scale[0] if graph.is_quantised else float(wanted.std())
    agrees = gap <= (STEPS if graph.is_quantised else SHARE) * unit
    kinds = ("int8", "float32") if not wrong else ()
    held = "integers" if graph.is_quantised else "read as float32"
    return Outcome(True, agrees, kinds, f"{held}, {wrong} differ from LiteRT", gap / unit)
