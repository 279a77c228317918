from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict

import pytest

from edgeprune.errors import EdgePruneError, printable
from edgeprune.files import read_bytes, read_json, read_toml
from edgeprune.schema import Count, Range, Share, checked


class Part(TypedDict):
    name: str
    size: Count


class Whole(TypedDict):
    kind: Literal["a", "b"]
    share: Share
    parts: Annotated[list[Part], Range(0, 2)]
    sizes: dict[str, int]
    maybe: NotRequired[float | None]


RIGHT = {"kind": "a", "share": 0.5, "parts": [{"name": "p", "size": 1}], "sizes": {"x": 1}}
WRONG = {
    "w: must be a table, is a list": [],
    "w: lacks share": {k: v for k, v in RIGHT.items() if k != "share"},
    "w: kind: must be one of a, b, is 'c'": RIGHT | {"kind": "c"},
    "w: share: must lie between 0 and 1, is 2": RIGHT | {"share": 2},
    "w: share: must be a number, is True": RIGHT | {"share": True},
    "w: parts[0]: size: must be a whole": RIGHT | {"parts": [{"name": "", "size": 1.5}]},
    "w: parts[0]: size: must lie between 0": RIGHT | {"parts": [{"name": "", "size": -1}]},
    "w: parts: must lie between 0 and 2, is 3 elements": RIGHT | {"parts": RIGHT["parts"] * 3},
    "w: sizes: x: must be a whole number, is null": RIGHT | {"sizes": {"x": None}},
    "w: sizes: x: must be a whole number up to": RIGHT | {"sizes": {"x": 10**5000}},
    "w: maybe: must be a number, is 'x'": RIGHT | {"maybe": "x"},
}  # fmt: skip


def test_what_is_right_is_given_back_with_keys_that_are_not_known() -> None:
    for value in (RIGHT, RIGHT | {"maybe": None}, RIGHT | {"maybe": 1, "more": []}):
        assert checked(value, Whole, "w") is value


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_told_with_its_path(message: str) -> None:
    with pytest.raises(EdgePruneError) as error:
        checked(WRONG[message], Whole, "w")
    assert str(error.value).startswith(message)


def test_a_closed_table_has_no_other_keys() -> None:
    with pytest.raises(EdgePruneError, match="unknown keys"):
        checked(RIGHT | {"more": 1}, Whole, "w", closed=True)


TEXTS = {
    "NaN": '{"a": NaN}',
    "an infinity": '{"a": 1e999}',
    "nested too deep": "[" * 100_000,
    "no JSON": "{",
    "no UTF-8": b"\xff\xfe",
    "too many digits": "9" * 10_000,
}


@pytest.mark.parametrize("what", TEXTS)
def test_json_that_is_none_is_one_message(tmp_path: Path, what: str) -> None:
    path, text = tmp_path / "f.json", TEXTS[what]
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(EdgePruneError, match="is not JSON"):
        read_json(path, 1 << 20)


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 20_000, "a." * 20_000 + "b = 1", "x = 1e", "x = " + "9" * 5000, "\x00"]
)
def test_toml_that_is_none_is_one_message_soon(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f.toml"
    path.write_text(text)
    with pytest.raises(EdgePruneError, match=r"f\.toml"):
        read_toml(path, 1 << 20)


def test_what_never_ends_is_refused_before_a_byte_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/zero"), tmp_path):
        with pytest.raises(EdgePruneError, match="cannot be read: it is a"):
            read_bytes(path, 1 << 20)


def test_messages_are_printable_and_of_bounded_length() -> None:
    evil = "\x1b[31mred\r\x07\u202e\udcff"
    error = EdgePruneError(evil + "\n" + "x" * 1_000_000, evil + "y" * 1_000_000 + "\n" * 10_000)
    assert len(str(error)) < 10_000
    assert printable(str(error)) == str(error)
    str(error).encode()
