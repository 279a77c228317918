"""CONV_3D of TFLite files."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_files import Value, constant, one_op

from edgeprune.frontends.from_tflite import parse
from edgeprune.ir import predict
from edgeprune.verify import run_tflite


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(
    ("stride", "dilation", "clamp"),
    [((1, 1, 1), (1, 1, 1), 0), ((2, 1, 3), (1, 1, 1), 1), ((1, 1, 1), (2, 3, 1), 3)],
)
def test_a_convolution_over_three_axes_is_litert_s(
    padding: int, stride: tuple[int, ...], dilation: tuple[int, ...], clamp: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    size, kernel, inputs, outputs = (7, 6, 9), (3, 2, 3), 2, 4
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    made = [-(-(n if padding == 0 else n - far + 1) // s)
            for n, far, s in zip(size, reach, stride, strict=True)]  # fmt: skip
    weights = rng.normal(size=(*kernel, inputs, outputs)).astype(np.float32)
    bias = rng.normal(size=outputs).astype(np.float32)
    options: dict[str, object] = {"padding": padding, "fusedActivationFunction": clamp}
    for axis, s, d in zip("DHW", stride, dilation, strict=True):
        options |= {f"stride{axis}": s, f"dilation{axis}Factor": d}
    operands = [Value((1, *size, inputs), "float32"), constant(weights), constant(bias)]
    result = Value((1, *made, outputs), "float32")
    file = one_op("CONV_3D", operands, result, options, table="Conv3DOptions")
    x = rng.normal(size=(3, *size, inputs)).astype(np.float32)
    got = predict(parse(file, "m.tflite"), x)
    np.testing.assert_allclose(got, run_tflite.run(file, x), rtol=1e-5, atol=1e-5)
