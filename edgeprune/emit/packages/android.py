"""A sample app for Android: the ``.tflite`` behind LiteRT's CompiledModel, tested on the phone."""

from __future__ import annotations

from edgeprune.emit.packages.app import little, model_file, spelled
from edgeprune.emit.packages.facts import Facts, Files
from edgeprune.emit.packages.render import package

# By element type: the word in TensorBuffer's functions, and the array's type in Kotlin.
_KOTLIN = {"int8": ("Int8", "ByteArray"), "float32": ("Float", "FloatArray")}


def android(files: Files, facts: Facts) -> dict[str, bytes]:
    """A Gradle project in Kotlin.

    Raises:
        UnsupportedError: LiteRT's buffers have no functions for the model's element type.
    """
    kotlin = spelled(facts, "android", _KOTLIN)
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
        kotlin=kotlin, samples=len(facts.inputs),
        told=facts.record["agreement"]["tflite_default"],
    )  # fmt: skip
    data = {
        "app/src/main/assets/model.tflite": model_file(facts),
        "app/src/main/assets/sample.bin": little(facts.inputs[:1]),
        "app/src/androidTest/assets/inputs.bin": little(facts.inputs),
        "app/src/androidTest/assets/outputs.bin": little(facts.outputs),
    }
    return made | {f"{facts.name}/{path}": content for path, content in data.items()}
