"""Data and rules: the graph, its types, the abstract operator, coupled channels."""

from edgeprune.ir.bands import Band, Part
from edgeprune.ir.channels import KEPT, OUTPUT, Channels, Coupling, Ids, Read, couple
from edgeprune.ir.graph import Graph, Node, Port, build_graph
from edgeprune.ir.memory import Over
from edgeprune.ir.op import (
    LinearOp,
    Op,
    QuantRule,
    align,
    align_arrays,
    rows_alike,
    tie_broadcast,
)
from edgeprune.ir.rows import OUTPUTS, fed, join_rows, real, row_type, split_rows
from edgeprune.ir.run import (
    computed,
    dequantise_array,
    differentiable,
    flat,
    in_elements,
    in_reals,
    predict,
    quantise_array,
    run,
    run_int,
    run_node,
    samples_held,
    samples_predicted,
    tensors,
    walk,
)
from edgeprune.ir.samples import Samples, Told
from edgeprune.ir.span import Kept, Made, Span
from edgeprune.ir.spans import Spans, span_of
from edgeprune.ir.spelling import Form, OnnxNode, TfliteOp, Version
from edgeprune.ir.steps import explicit, initial_value, run_steps, step_rows
from edgeprune.ir.text import to_text
from edgeprune.ir.types import (
    Array,
    Codebook,
    DType,
    Folded,
    QuantParams,
    TensorType,
    numbers_of,
)
from edgeprune.ir.values import Values, values_seen

__all__ = [
    "KEPT",
    "OUTPUT",
    "OUTPUTS",
    "Array",
    "Band",
    "Channels",
    "Codebook",
    "Coupling",
    "DType",
    "Folded",
    "Form",
    "Graph",
    "Ids",
    "Kept",
    "LinearOp",
    "Made",
    "Node",
    "OnnxNode",
    "Op",
    "Over",
    "Part",
    "Port",
    "QuantParams",
    "QuantRule",
    "Read",
    "Samples",
    "Span",
    "Spans",
    "TensorType",
    "TfliteOp",
    "Told",
    "Values",
    "Version",
    "align",
    "align_arrays",
    "build_graph",
    "computed",
    "couple",
    "dequantise_array",
    "differentiable",
    "explicit",
    "fed",
    "flat",
    "in_elements",
    "in_reals",
    "initial_value",
    "join_rows",
    "numbers_of",
    "predict",
    "quantise_array",
    "real",
    "row_type",
    "rows_alike",
    "run",
    "run_int",
    "run_node",
    "run_steps",
    "samples_held",
    "samples_predicted",
    "span_of",
    "split_rows",
    "step_rows",
    "tensors",
    "tie_broadcast",
    "to_text",
    "values_seen",
    "walk",
]
