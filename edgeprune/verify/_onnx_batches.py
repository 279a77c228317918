"""An ONNX file of one sample as one of any number: many at once take a fraction of the time."""

from __future__ import annotations

ORT_IDENTIFIER = b"ORTM"
"""Of a file in ONNX Runtime's own format, behind four bytes."""


def with_free_batch(content: bytes) -> bytes | None:
    """The same network for any number of samples; None where the file has no batch in front.

    Operators that mix samples are not looked for: whoever runs it has to see whether it answers
    as the file does.

    Args:
        content: a file whose batch is 1.
    """
    import onnx
    from onnx import numpy_helper

    if content[4:8] == ORT_IDENTIFIER:
        return None
    model = onnx.load_from_string(content)
    graph = model.graph
    for port in (*graph.input, *graph.output):
        dims = port.type.tensor_type.shape.dim
        if not dims or dims[0].dim_value != 1:
            return None
        dims[0].dim_param = "samples"
    constants = {c.name: c for c in graph.initializer}
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        shape = numpy_helper.to_array(constants[node.input[1]]).copy()
        if shape[0] != 1:
            continue
        shape[0] = 0  # as it is in what is reshaped
        node.input[1] = f"{node.name or node.output[0]} shape of samples"
        graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
    free: bytes = model.SerializeToString()
    return free
