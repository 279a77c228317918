"""A Swift package for iOS: the ``.tflite``, what feeds it, and a check against stored samples."""

from __future__ import annotations

from edgeprune.emit.packages.app import little, model_file, spelled
from edgeprune.emit.packages.facts import Facts, Files
from edgeprune.emit.packages.render import package


def ios(files: Files, facts: Facts) -> dict[str, bytes]:
    """A package without a dependency, and the file that an app with LiteRT adds.

    Raises:
        UnsupportedError: it has no functions for the model's element type.
    """
    swift = spelled(facts, "ios", {"int8": "Int8", "float32": "Float"})
    code = "Sources/PrunedModel"
    templates = {
        "Package.swift": "ios/Package.swift",
        f"{code}/Model.swift": "ios/Model.swift",
        f"{code}/StoredSamples.swift": "ios/StoredSamples.swift",
        "App/LiteRTRuntime.swift": "ios/LiteRTRuntime.swift",
    }
    made = package(
        "ios", files, facts, {}, templates,
        swift=swift, samples=len(facts.inputs), told=facts.record["agreement"]["tflite_default"],
    )  # fmt: skip
    data = {
        "model.tflite": model_file(facts),
        "inputs.bin": little(facts.inputs),
        "outputs.bin": little(facts.outputs),
    }
    return made | {f"{facts.name}/{code}/Files/{k}": v for k, v in data.items()}
