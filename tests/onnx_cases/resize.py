"""Images made larger or smaller."""

from __future__ import annotations

import numpy as np
from onnx_models import model, node

from onnx_cases.values import X, i64

CASES: dict[str, bytes] = {
    "resize nearest": model(
        [
            node(
                "Resize",
                "x",
                "",
                "s",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        ],
        X,
        {"s": np.asarray([1, 1, 2, 3], np.float32)},
    ),
    "resize bilinear": model(
        [
            node(
                "Resize",
                "x",
                "",
                "",
                "s",
                mode="linear",
                coordinate_transformation_mode="half_pixel",
            )
        ],
        X,
        {"s": i64(1, 3, 5, 9)},
    ),
    "resize bilinear, aligned": model(
        [
            node(
                "Resize",
                "x",
                "",
                "",
                "s",
                mode="linear",
                coordinate_transformation_mode="align_corners",
            )
        ],
        X,
        {"s": i64(1, 3, 5, 9)},
    ),
    **{
        f"resize, {mode}, {coordinates}{', antialias' if antialias else ''}": model(
            [
                node(
                    "Resize",
                    "x",
                    "",
                    "",
                    "s",
                    mode=mode,
                    antialias=antialias,
                    coordinate_transformation_mode=coordinates,
                    nearest_mode="round_prefer_floor",
                )
            ],
            X,
            {"s": i64(1, 3, 5, 9)},
        )
        for mode, coordinates, antialias in (
            ("nearest", "half_pixel", 0),
            ("nearest", "align_corners", 0),
            ("linear", "half_pixel", 1),
            ("cubic", "pytorch_half_pixel", 0),
            ("cubic", "asymmetric", 0),
            ("cubic", "half_pixel", 1),
        )
    },
    "crop and resize": model(
        [
            node(
                "Resize",
                "x",
                "roi",
                "",
                "s",
                mode="linear",
                extrapolation_value=2.5,
                coordinate_transformation_mode="tf_crop_and_resize",
            )
        ],
        X,
        {"s": i64(1, 3, 6, 5), "roi": np.asarray([0, 0, 0.3, 0.1, 1, 1, 1.3, 0.8], np.float32)},
    ),
    "upsample": model(
        [node("Upsample", "x", "s")], X, {"s": np.asarray([1, 1, 2, 2], np.float32)}, opset=9
    ),
}
