"""What a page says first: what was removed, what takes bytes and time, what to do next."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from edgeprune.pruning.truth import Truth
from edgeprune.report import answers, summary
from edgeprune.report.page import Section
from edgeprune.report.words import about_samples


def record() -> dict[str, Any]:
    rows = [
        {"name": "a", "op": "conv2d", "inputs": [-1], "channels_before": 16, "channels_after": 6},
        {"name": "b", "op": "dense", "inputs": [0], "channels_before": 3, "channels_after": 3},
    ]
    for row, cycles in zip(rows, (900, 100), strict=True):
        row |= {"macs": 9, "weight_bytes": 50, "constant_bytes": 60, "bits": 8, "bits_before": 32}
        row |= {"cycles": cycles, "shape": [1]}
    return {
        "dtype": "int8",
        "layers": rows,
        "interface": {
            "inputs": [{"name": "x", "shape": [10], "read": [[2, 4]]}],
            "outputs": [{"name": "y", "shape": [3]}],
        },
        "before": {"channels": {"a": 16, "b": 3}, "params": 200, "macs": 40, "flash_bytes": None},
        "after": {"channels": {"a": 6, "b": 3}, "params": 100, "macs": 18},
        "size": {"flash_bytes": 20000, "basis": "linked", "measured": True},
        "budget": {"flash_bytes": 20480, "fits": True},
        "target": {"optimize": "size"},
        "run": {"instructions": 1, "cycles": 1000, "ms": 1.0, "clock_hz": 1000000},
        "accuracy": {"n": 100, "source": 0.97, "c": 0.97, "samples": "test"},
        "labels": None,
        "classes": None,
        "pruning": {"criterion": "obs", "schedule": "exact"},
        "visited": [
            {"flash_bytes": n, "accuracy": a}
            for n, a in ((9000, 0.8), (15000, 0.966), (30000, 0.968), (60000, 0.97))
        ],
    }


def test_what_there_is_less_of_is_told_with_inputs_and_bits() -> None:
    rows = {name: (change, share) for name, change, share in summary.removed(record())}
    assert rows["inputs read"] == ("10 → 4", "−60 %")
    assert rows["channels"] == ("19 → 9", "−53 %")
    assert rows["bits a weight"] == ("32 → 8", "")
    assert "flash" not in rows  # what was not measured is not told
    assert summary.cuts(record()) == ["a 16 → 6"]


def test_shares_of_bytes_add_up_to_all_of_them() -> None:
    rows = summary.bytes_by_layer(record())
    assert sum(n for _, n in rows) == 20000
    assert summary.cycles_by_layer(record()) == [("a", 900), ("b", 100)]


def test_turns_of_a_loop_are_told_as_one_layer() -> None:
    r = record()
    r["layers"].append({**r["layers"][0], "name": "a_2", "inputs": [1], "turn_of": "a"})
    for which in ("before", "after"):
        r[which]["channels"]["a_2"] = r[which]["channels"]["a"]
    rows = {name: change for name, change, _ in summary.removed(r)}
    assert rows["channels"] == "19 → 9"
    assert summary.cycles_by_layer(r) == [("a", 1800), ("b", 100)]
    assert summary.work_by_layer(r) == [("a", 18), ("b", 9)]
    assert summary.cuts(r) == ["a 16 → 6"]


def options(r: dict[str, Any]) -> list[str]:
    return [a.options for a in summary.advice(r)]


def test_a_smaller_network_that_was_as_good_is_the_next_budget() -> None:
    assert options(record())[0] == "--budget 15KB"


def test_more_bytes_are_no_advice_where_bytes_are_to_spare() -> None:
    r = record()
    r["accuracy"]["c"], r["budget"]["flash_bytes"] = 0.9, 40000
    assert "another limit" in summary.advice(r)[0].text
    r["app"] = {"ms": 0.1}
    assert "--speedup" in summary.advice(r)[0].text
    assert not any(o.startswith("--budget") for o in options(r))
    r["pruning"] = None
    assert not any("takes away" in a.text for a in summary.advice(r)), "its bits lost it"


def test_what_was_pruned_without_a_budget_is_not_said_to_be_whole() -> None:
    r = record()
    r["accuracy"]["c"], r["budget"]["flash_bytes"], r["app"] = 0.3, None, {"ms": 0.1}
    assert "--speedup" in summary.advice(r)[0].text
    r["pruning"] = None
    assert summary.advice(r)[0].text.startswith("Nothing was pruned")


def test_bytes_at_eight_bits_are_no_budget_for_fewer() -> None:
    r = record()
    r["dtype"] = "mixed"
    assert "on the way" not in summary.advice(r)[0].text


def test_who_lost_accuracy_is_told_what_more_bytes_or_fewer_bits_would_do() -> None:
    r = record()
    r["accuracy"]["c"] = 0.9
    assert options(r)[:3] == ["--budget 30KB", "--dtype mixed", "--finetune 5"]
    mixed = deepcopy(r)
    mixed["layers"][0]["bits"] = 3
    assert "--dtype mixed" not in options(mixed)


def test_a_core_without_clock_and_a_network_without_samples_say_what_is_missing() -> None:
    r = record()
    r["run"]["ms"] = r["run"]["clock_hz"] = None
    assert any(o.startswith("--target") for o in options(r))
    r["accuracy"]["n"] = 0
    assert options(r)[0] == "--data"


def test_only_what_could_have_been_run_on_an_emulated_core_is_missed() -> None:
    r = record()
    r["run"]["instructions"] = None
    assert any("edgeprune doctor" in a.text for a in summary.advice(r))
    r["target"]["kind"] = "host"
    assert not any("edgeprune doctor" in a.text for a in summary.advice(r))


def test_sentences_in_tables_are_broken_into_lines_whatever_they_begin_with() -> None:
    why = "27,986 bytes of flash and 1,586 bytes of RAM to spare"
    rows = [("uno", "2,222 of 30,208", why), ("mega", "2,224 of 251,904", why)]
    assert Section("Targets", columns=("target", "flash", "why"), rows=rows).kinds == [
        "text", "", "text long"
    ]  # fmt: skip


def test_mistakes_are_shaded_against_the_most_frequent_one_and_named() -> None:
    r = record()
    r["labels"] = ["cat", "dog"]
    r["classes"] = {"confusion_before": [[90, 2], [4, 50]], "confusion_after": [[84, 8], [4, 50]]}
    cells = answers.matrix(r, "after")
    assert [[c.error for c in row] for row in cells] == [[None, 1.0], [0.5, None]]
    assert cells[0][1].change == 6
    assert answers.mistakes(r)[0] == "cat taken for dog: 8 (2 before)"


def test_a_file_for_phones_is_spoken_of_as_one() -> None:
    r = record()
    r["size"]["basis"], r["target"]["name"], r["app"] = "tflite", "android", {"ms": None}
    assert options(r)[-2:] == ["--speedup 1.5x", "--package android"]
    words = " ".join(a.text for a in summary.advice(r))
    assert "model.tflite is what ships" in words
    assert "c/" not in words
    assert "the file's structure" in dict(summary.bytes_by_layer(r))
    assert summary.work_by_layer(r) == [("a", 9), ("b", 9)]
    r["app"]["ms"] = 0.2
    assert "--speedup 1.5x" not in options(r)


def test_no_command_is_advised_that_a_build_refuses() -> None:
    r = record()
    r["size"]["basis"], r["target"]["name"], r["app"] = "tflite", "android", {"ms": None}
    r["interface"]["states"] = [{"name": "s", "shape": [5]}]
    assert not any("--package" in o for o in options(r))
    assert "Use it: model.tflite is what ships." in [a.text for a in summary.advice(r)]
    r["interface"] |= {"states": [], "outputs": 2 * r["interface"]["outputs"]}
    assert not any("--package" in o for o in options(r))
    assert "--speedup 1.5x" in options(r)
    r["kept_whole"] = {"a": "it is read by nothing else", "b": "they are outputs"}
    assert "--speedup 1.5x" not in options(r)
    r["size"]["basis"] = "linked"
    (package,) = (o for o in options(r) if "--package" in o)
    assert "arduino" in package
    assert "android" not in package
    assert "python" not in package


def test_who_has_project_files_is_not_told_to_make_them() -> None:
    r = record()
    assert "--package all" in options(r)
    r["packages"] = ["arduino"]
    assert "--package all" not in options(r)


def test_who_has_trained_is_not_told_to() -> None:
    r = record()
    r["accuracy"]["c"] = 0.9
    assert "--finetune 5" in options(r)
    r["finetune"] = 2
    assert "--finetune 5" not in options(r)


def test_who_has_pruned_nothing_is_not_told_to_train_it() -> None:
    r = record()
    r["accuracy"]["c"] = 0.9
    r["pruning"] = None
    assert "--finetune 5" not in options(r)


def test_what_is_kept_from_call_to_call_is_no_input() -> None:
    r = record()
    r["interface"]["states"] = [{"name": "s", "shape": [500]}]
    rows = {name: (change, share) for name, change, share in summary.removed(r)}
    assert rows["inputs read"] == ("10 → 4", "−60 %")


@pytest.mark.parametrize(
    ("each", "labels", "words"),
    [
        (1, "data", "of 100 samples, which chose nothing"),
        (64, "data", "of 6,400 answers, 64 to each of 100 samples, which chose nothing"),
        (
            64,
            "source model",
            (
                "share of 6,400 answers, 64 to each of 100 samples, that are the source model's, "
                "which chose nothing"
            ),
        ),
    ],
)
def test_an_accuracy_of_pixels_is_not_said_to_be_of_samples(
    each: int, labels: str, words: str
) -> None:
    accuracy: Any = record()["accuracy"] | {"labels": labels, "answers_each": each}
    assert about_samples(accuracy) == words


def test_pixels_and_marks_are_answers_of_their_own_and_classes_and_numbers_are_one() -> None:
    assert Truth(np.zeros((5, 64), np.int64)).answers_each == 64
    assert Truth(np.zeros(5, np.int64)).answers_each == 1
    assert Truth(np.zeros((5, 64), np.float32)).answers_each == 1
