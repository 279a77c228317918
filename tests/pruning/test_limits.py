"""What a network may take, and how it is said that it takes more."""

from __future__ import annotations

import pytest

from edgeprune.pruning.limits import SLACK, Limits

TAKEN = {"flash": 100.0, "ram": 50.0, "params": 7.0}


@pytest.mark.parametrize(
    ("most", "excess"),
    [
        ({}, {}),
        ({"flash": 100}, {}),
        ({"flash": 99}, {"flash": 1}),
        ({"flash": 99, "ram": 50}, {"flash": 1}),
        ({"flash": 90, "ram": 40}, {"flash": 10, "ram": 10}),
        ({"cycles": 1}, {}),  # which nobody counted
    ],
)
def test_a_network_fits_if_it_takes_no_more_than_it_may(
    most: dict[str, float], excess: dict[str, float]
) -> None:
    limits = Limits(most)
    assert limits.excess(TAKEN) == excess
    assert limits.hold(TAKEN) is not bool(excess)
    known = {k: m for k, m in most.items() if k in TAKEN}
    assert limits.left(TAKEN) == {k: m - TAKEN[k] for k, m in known.items()}


def test_what_is_not_limited_is_left_out() -> None:
    limits = Limits.of("RAM of the host", flash=1.0, ram=None, macs=0)
    assert limits.most == {"flash": 1.0, "macs": 0}
    assert limits.bound == "RAM of the host"
    assert limits.floor is None
    assert limits.removals is None


def test_what_is_too_much_is_said_with_both_numbers_and_the_option() -> None:
    limits = Limits.of("the file", flash=1e6, ram=4.0, own=3.0)
    taken = {"flash": 1234567.0, "ram": 4.0, "own": 5.0}
    words = "1,234,567 bytes of the file, the limit is 1,000,000; 5 own, the limit is 3"
    assert limits.words(taken) == words
    assert limits.option(taken) == "--budget"
    assert limits.option({**taken, "flash": 0.0}) == "own"
    assert limits.option({"flash": 0.0}) == "--budget"
    assert Limits.of(ram=1).option({}) == "--ram"
    assert Limits().option({}) == "--budget"
    share = Limits({"neurons": 1}, said={"neurons": ("of 9 neurons", "--keep-ratio")})
    assert share.words({"neurons": 2}) == "2 of 9 neurons, the limit is 1"
    assert share.option({"neurons": 2}) == "--keep-ratio"
    error = limits.refusal(taken, 9, ", and more")
    assert error.what == f"with 9 channels removed it takes {words}, and more"
    assert error.exit_status == 1
    assert error.where == "--budget"


def test_what_a_part_takes_is_not_left_for_the_rest() -> None:
    limits = Limits({"flash": 10, "ram": 20}, removals=3, floor=0.5, bound="file")
    less = limits.less({"flash": 4, "cycles": 1})
    assert less == Limits({"flash": 6, "ram": 20}, removals=3, floor=0.5, bound="file")


def test_shares_are_of_the_whole_network_and_of_what_is_exceeded() -> None:
    whole = {"flash": 200.0, "ram": 100.0, "params": 14.0}
    assert Limits().share(TAKEN, whole) == 7.0
    assert Limits({"flash": 1, "ram": 1}).share(TAKEN, whole) == 1.0
    assert Limits({"flash": 1, "ram": 99}).share(TAKEN, whole) == 0.5
    assert Limits({"flash": 100, "ram": 50}).share(TAKEN, whole) == 1.0
    assert Limits({"flash": 1}).share(TAKEN, {"flash": 0.0}) > 1e12


def test_an_accuracy_is_enough_up_to_rounding() -> None:
    limits = Limits(floor=0.9)
    assert limits.allow(0.9)
    assert limits.allow(0.9 - SLACK / 2)
    assert not limits.allow(0.9 - 2 * SLACK)
    assert Limits().allow(0.0)
