"""What quantised layers must be so that C repeats TFLite's rounding for every input."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.ir import DType, QuantParams
from edgeprune.ir import fixedpoint as fp
from edgeprune.quantize.weights import quantise_weights


@settings(max_examples=300)
@given(
    st.integers(1, 400),
    st.floats(-9, 0),
    st.floats(1e-4, 0.1),
    st.floats(30, 200),
    st.integers(-128, 127),
    st.integers(0, 2**32 - 1),
)
def test_every_layer_has_a_multiplier_that_rounds_as_tflite_does(
    inputs: int, decades: float, scale: float, steps: float, zero: int, seed: int
) -> None:
    """Also layers whose bias outweighs everything else."""
    rng = np.random.default_rng(seed)
    w = (rng.normal(0, 1, (1, inputs)) * 10.0**decades).astype(np.float32)
    b = rng.normal(0, 2, 1).astype(np.float32)
    reach = max(abs(float(b[0])), float(np.abs(w).sum()) * scale * 60)
    xq, yq = QuantParams.of(scale, zero), QuantParams.of(reach / steps, -zero // 2)
    (q, wt), (bias, _) = quantise_weights(w, b, xq, 0, DType.INT8)
    assert wt.quant is not None
    ends = np.stack([(v - zero) * q.astype(np.int64) for v in (-128, 127)])
    low, high = (int(bias[0] + f(ends, axis=0).sum()) for f in (np.min, np.max))
    real = float(fp.effective_scales(xq, wt.quant, yq)[0])
    mult, _ = fp.single_multiplier(real, low, high, yq.zero_point[0], (-128, 127))
    assert mult > 0
