"""What the campaign of mutants changes, and what not."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.campaign import mutants
from tests.campaign.mutants import HERE, PARTS, ROOT, mutants_of
from tests.campaign.mutate_code import by_hand, named, of_python
from tests.campaign.traced import Trace, order_of

SOURCE = b'''"""Text with 1 < 2."""
def f(n: int = 3, *, x: "list[4]" = ()) -> "tuple[5]":
    """Text with 6."""
    assert n < 7
    if n > 8:
        raise ValueError(f"at most {n + 9}")
    return n + 10
'''


def test_texts_types_assertions_and_errors_stay() -> None:
    made = [m.applied(SOURCE).decode() for m in of_python(Path("f.py"), SOURCE)]
    changed = {
        new.strip()
        for text in made
        for new, old in zip(text.splitlines(), SOURCE.decode().splitlines(), strict=True)
        if new != old
    }
    assert changed == {
        'def f(n: int = (4), *, x: "list[4]" = ()) -> "tuple[5]":',
        "if (n >= 8):",
        "if n > (9):",
        "return (n - 10)",
        "return n + (11)",
    }


def test_a_mutant_keeps_its_name_when_lines_before_it_change() -> None:
    longer = b"import os\n\n" + SOURCE
    before, after = (
        [m.name for m in named(of_python(Path("f.py"), s), s)] for s in (SOURCE, longer)
    )
    assert before == after
    assert len(set(before)) == len(before)


def test_most_faults_of_the_list_are_in_the_code_as_it_is() -> None:
    listed = tomllib.loads((HERE / "mutants_of_c.toml").read_text())
    count = sum(len(family["mutants"]) for family in listed.values())
    assert len(list(by_hand(HERE / "mutants_of_c.toml", ROOT))) >= count - 5


def test_mutants_of_c_meet_all_tests_of_their_part() -> None:
    mutant = next(iter(mutants_of(PARTS["runtime_c"], ROOT, 0)))
    traces = {"a": Trace({"a::slow": 9.0, "a::quick": 1.0}, {}), "b": Trace({"b::other": 2.0}, {})}
    files, order, seconds = mutants.tests_of(mutant, traces)
    assert files == ["a", "b"]
    assert order == ["a::quick", "b::other", "a::slow"]
    assert seconds == 12.0


def test_what_is_called_equivalent_is_a_mutant_for_a_reason() -> None:
    listed = tomllib.loads((HERE / "equivalent.toml").read_text())["mutants"]
    names = {m.name for part in PARTS.values() for m in mutants_of(part, ROOT, 0)}
    assert all(row["why"] for row in listed)
    assert [row["mutant"] for row in listed if row["mutant"] not in names] == []


def test_tests_that_run_a_line_come_first_and_the_rest_of_their_files_behind() -> None:
    traces = {
        "a": Trace(
            {"a::slow": 9.0, "a::quick": 1.0, "a::other": 0.1},
            {"f.py": {"a::slow": [5], "a::quick": [5], "": [1]}},
        ),
        "b": Trace({"b::other": 1.0}, {"f.py": {"b::other": [7], "": [1]}}),
    }
    assert order_of(traces, Path("f.py"), (5, 5))[:2] == (
        ["a"],
        ["a::quick", "a::slow", "a::other"],
    )
    files, order, _ = order_of(traces, Path("f.py"), (1, 1))  # while it is imported
    assert files == ["a", "b"]
    assert order[-1] == "a::other"
    assert order_of(traces, Path("f.py"), (6, 6))[0] == []
