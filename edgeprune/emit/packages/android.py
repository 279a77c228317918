"""A sample app for Android: the ``.tflite`` behind LiteRT's CompiledModel, tested on the phone."""

from __future__ import annotations

import numpy as np

from edgeprune.emit import tflite_metadata
from edgeprune.emit.packages.facts import Facts, Files
from edgeprune.emit.packages.render import package
from edgeprune.errors import UnsupportedError

# By element type: the word in TensorBuffer's functions, and the array's type in Kotlin.
_KOTLIN = {"int8": ("Int8", "ByteArray"), "float32": ("Float", "FloatArray")}


def android(files: Files, facts: Facts) -> dict[str, bytes]:
    """A Gradle project in Kotlin.

    Raises:
        UnsupportedError: LiteRT's buffers have no functions for the model's element type.
    """
    ends = [facts.record["interface"][k][0]["dtype"] for k in ("inputs", "outputs")]
    if not set(ends) <= set(_KOTLIN):
        what = f"there is no Android app for inputs and outputs of {' and '.join(ends)}"
        raise UnsupportedError("--package android", what, "use --dtype int8 or float32")
    code = "app/src/{}/java/org/edgeprune/model"
    templates = {
        "settings.gradle.kts": "android/settings.gradle.kts",
        "build.gradle.kts": "android/build.gradle.kts",
        "gradle.properties": "android/gradle.properties",
        "app/build.gradle.kts": "android/app.gradle.kts",
        "app/src/main/AndroidManifest.xml": "android/AndroidManifest.xml",
        "app/src/main/res/values/strings.xml": "android/strings.xml",
        f"{code.format('main')}/Model.kt": "android/Model.kt",
        f"{code.format('main')}/MainActivity.kt": "android/MainActivity.kt",
        f"{code.format('androidTest')}/Agreement.kt": "android/Agreement.kt",
        f"{code.format('androidTest')}/StoredSamplesTest.kt": "android/StoredSamplesTest.kt",
    }
    made = package(
        "android", files, facts, {}, templates,
        kotlin=[_KOTLIN[e] for e in ends], samples=len(facts.inputs),
        told=facts.record["agreement"]["tflite_default"],
    )  # fmt: skip
    data = {
        "app/src/main/assets/model.tflite": tflite_metadata.described(
            facts.graph,
            f"{facts.name}, {facts.record['dtype']}",
            facts.labels,
            half=facts.record["dtype"] == "float16",
        ),
        "app/src/main/assets/sample.bin": _little(facts.inputs[:1]),
        "app/src/androidTest/assets/inputs.bin": _little(facts.inputs),
        "app/src/androidTest/assets/outputs.bin": _little(facts.outputs),
    }
    return made | {f"{facts.name}/{path}": content for path, content in data.items()}


def _little(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
