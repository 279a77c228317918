"""Sentences that every report shows, whatever its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeprune.report.schema import Accuracy, Report
from edgeprune.verify.relative import RELATIVE


def counted(samples: int) -> str:
    """How many samples, in words."""
    return f"{samples:,} sample{'s' * (samples != 1)}"


def about_accuracy(accuracy: Accuracy) -> str:
    """What the accuracy in a record is of, and what it cannot tell.

    Args:
        accuracy: of report.json.
    """
    doubt = about_held_out(accuracy)
    return about_samples(accuracy) + (f". {doubt}" if doubt else "")


def about_samples(accuracy: Accuracy) -> str:
    """The same without a doubt that it may be in.

    Args:
        accuracy: of report.json.
    """
    if not accuracy["n"]:
        return "no accuracy: the inputs are generated; --data has it measured"
    if accuracy.get("samples") == "held-out":
        return f"{_share(accuracy)}: a part of --data that chose nothing"
    return f"{_share(accuracy)}, which chose nothing"


def about_held_out(accuracy: Accuracy) -> str:
    """Why accuracy on a part of the samples may be too good; empty where it is of others.

    Args:
        accuracy: of report.json.
    """
    if not accuracy["n"] or accuracy.get("samples") != "held-out":
        return ""
    return (
        "If the network was trained on these samples, it does worse in the field: --test with "
        "others tells"
    )


def _share(accuracy: Accuracy) -> str:
    told, count = accuracy["labels"] != "source model", counted(accuracy["n"])
    if accuracy.get("measure") == "r2":
        whose = "the numbers" if told else "the source model's numbers"
        return f"R2, the share of the variance of {whose} of {count} that is explained"
    if (each := accuracy.get("answers_each", 1)) > 1:
        count = f"{each * accuracy['n']:,} answers, {each:,} to each of {count}"
        return f"of {count}" if told else f"share of {count}, that are the source model's"
    return f"of {count}" if told else f"share of {count} answered as the source model does"


def about_outputs(record: Mapping[str, Any]) -> str:
    """How far outputs are off where no labels say what is right, or are numbers; else empty.

    Args:
        record: report.json.
    """
    source = record["agreement"]["source"]
    accuracy = record["accuracy"]
    numbers = accuracy.get("measure") == "r2"
    if not (numbers or accuracy["labels"] == "source model") or not source.get("spread"):
        return ""
    off, spread = (
        f"{v:,.0f}" if v >= 1000 else f"{v:.3g}"
        for v in (source["mean_square"] ** 0.5, source["spread"])
    )
    return (
        f"off those of the source model by {off}, where these vary by {spread} (root mean square)"
    )


def about_time(run: Mapping[str, Any]) -> str:
    """How the time of a run is known: of which board, or how far off it may be.

    Args:
        run: of report.json; has cycles or milliseconds.
    """
    if run["measured_on"] is not None:
        return f"measured on {run['measured_on']}"
    return f"modelled to {100 * run['cycles_error']:g} %"


def bound(record: Report) -> str:
    """What a budget of bytes is of: "flash", or the file that is shipped."""
    return FILES.get(record["size"].get("basis"), "flash")


def rounds_in_calls(agreement: Mapping[str, Any]) -> str:
    """Where LiteRT rounds what layers read in every call: how far outputs are off; else empty.

    Args:
        agreement: of report.json.
    """
    within, most = (agreement.get(f"c_vs_tflite_{k}") for k in ("within", "max_relative"))
    if within is None or most is None or within <= RELATIVE:
        return ""
    return f"rounded in every call: at most {most:.2g} relative, up to {within:.2g} is expected"


def about_default(record: Report) -> str:
    """How LiteRT's default kernels differ from its reference kernels; empty: not measured.

    Args:
        record: report.json.
    """
    found = record["agreement"].get("tflite_default")
    if found is None:
        return ""
    if not found["mismatches"]:
        return f"none of {found['outputs']:,} outputs differs over {counted(found['n'])}"
    steps = record["agreement"]["tflite_default_max_lsb"]
    one = f"{steps} step{'s' if steps > 1 else ''}" if steps is not None else ""
    size = f"at most {one}" if one else f"at most {found['largest']:.2g} relative"
    text = (
        f"{found['mismatches']:,} of {found['outputs']:,} outputs differ, by {size} and "
        f"{found['mean']:.2g} in the mean, over {counted(found['n'])}"
    )
    if found["changed"] is None:
        return text
    text += f"; {found['changed']:,} answers change"
    return text + (f", margins up to {found['margin']:.3g}" if found["changed"] else "")


FILES = {"tflite": "the .tflite file", "onnx": "the .onnx file"}
"""By what a target's budget binds; for all others there is firmware."""

RUNNERS = {
    "tflite": "LiteRT with its default delegate (XNNPACK), which rounds in float",
    "onnx": "ONNX Runtime optimises the graph by default; compared here is the graph as it is",
}
"""What runs such a file where it is used."""
