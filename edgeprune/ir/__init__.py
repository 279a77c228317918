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
    samples_held,
    samples_predicted,
    tensors,
    walk,
)
from edgeprune.ir.samples import Samples, Told
from edgeprune.ir.span import Span
from edgeprune.ir.spans import Spans, span_of
from edgeprune.ir.spelling import Form, OnnxNode, TfliteOp, Version
from edgeprune.ir.steps import explicit, initial_value, run_steps, step_rows
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
