"""Damages files: anywhere in their bytes, and where their structure says that something stands."""

from __future__ import annotations

import copy
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Mutate = Callable[[bytes, random.Random], bytes]

DEEP = "\ue000deep"  # stands for brackets nested deeper than any parser goes
ODD: list[Any] = [
    None, True, False, -1, 0, 1, 7, 255, 1 << 31, -(1 << 31), 1 << 53, 1 << 62, 1 << 70, -(1 << 70),
    0.0, -0.5, 1.5, 1e-300, 1e308, float("nan"), float("inf"), "", "x", "../../etc/passwd",
    "/dev/zero", "x" * 100_000, "\x1b[31m\x07", "[bold]x[/y]", "\u202e\ud800", "int8", "nan", [],
    {}, [[]], [1, 2], {"": {}}, [[[[[[[[]]]]]]]], DEEP,
]  # fmt: skip


def in_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut, inserted, repeated; sizes enlarged."""
    made = bytearray(data)
    kind = rng.random()
    place = rng.randrange(rng.choice([len(made), min(len(made), 3000), min(len(made), 400)]))
    if kind < 0.15:
        del made[place:]
    elif kind < 0.8:
        for _ in range(rng.choice([1, 1, 1, 2, 8])):
            made[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
            place = min(place + rng.randrange(40), len(made) - 1)
    elif kind < 0.9:
        made[place:place] = bytes([0xFF] * rng.randint(1, 9))
    else:
        made[place:place] = made[place : place + rng.randint(1, 100)]
    return bytes(made)


def sometimes_in_bytes(mutate: Mutate, share: float = 0.25) -> Mutate:
    """A mutation of the structure, and of bytes in a share of the cases."""
    return lambda data, rng: (in_bytes if rng.random() < share else mutate)(data, rng)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    for at in waiting:
        keys = list(at) if isinstance(at, dict) else range(len(at)) if isinstance(at, list) else ()
        for key in keys:
            found.append((at, key))
            waiting.append(at[key])
    return found


def in_value(value: Any, rng: random.Random) -> Any:
    """A JSON value with one to three entries replaced, removed, doubled, renamed or exchanged."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        places = _places(value)
        if not places or rng.random() < 0.01:
            return copy.deepcopy(rng.choice(ODD))
        at, key = rng.choice(places)
        kind = rng.random()
        if kind < 0.6:
            at[key] = copy.deepcopy(rng.choice(ODD))  # it may be damaged in its turn
        elif kind < 0.75:
            del at[key]
        elif kind < 0.85:
            other, there = rng.choice(places)
            at[key] = copy.deepcopy(other[there])
        elif isinstance(at, list):
            at.insert(rng.randrange(len(at) + 1), copy.deepcopy(at[key]))
        else:
            at[rng.choice(["", "x", key + "_"])] = at.pop(key)
    return value


def _text(value: Any) -> bytes:
    text = json.dumps(value)
    deep = "[" * 100_000 + "]" * 100_000
    return text.replace(json.dumps(DEEP), deep).encode()


def in_json(data: bytes, rng: random.Random) -> bytes:
    """See :func:`in_value`."""
    return _text(in_value(json.loads(data), rng))


def in_journal(data: bytes, rng: random.Random) -> bytes:
    """One line of JSON lines damaged, removed, doubled or cut."""
    lines = data.splitlines()
    at = rng.randrange(len(lines))
    kind = rng.random()
    if kind < 0.7:
        lines[at] = in_json(lines[at], rng)
    elif kind < 0.8:
        lines[at] = lines[at][: rng.randrange(len(lines[at]))]
    else:
        lines.insert(at, rng.choice([lines[at], b"", b"{}", b"[]", b"\xff\xfe", b"null"]))
    return b"\n".join(lines) + b"\n"


_TOML = [
    "1", "-1", "0xffffffffffffffffffffffffffff", "9" * 5000, "1e400", "nan", "true", "'x'", "''",
    "[]", "[[]]", "{}", "1979-05-27", '"""', "[" * 3000, "{a." * 100, "a." * 20_000 + "b",
    "'/bin/sh'", "['-fplugin=x']", '"\\u0000"', '"\\u001b[31m"',
]  # fmt: skip


def in_toml(data: bytes, rng: random.Random) -> bytes:
    """Lines of a profile removed, doubled, moved; their keys and values replaced."""
    lines = data.decode().splitlines()
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(len(lines))
        key, equals, _ = lines[at].partition("=")
        kind = rng.random()
        if kind < 0.5 and equals:
            lines[at] = f"{key}= {rng.choice(_TOML)}"
        elif kind < 0.6:
            del lines[at]
        elif kind < 0.7:
            lines.insert(rng.randrange(len(lines)), lines[at])
        elif kind < 0.8:
            lines.insert(at, f"[{rng.choice(['x', 'emulator', 'a.' * 5000 + 'b', '[x]'])}]")
        else:
            lines[at] = rng.choice(_TOML) + " = " + rng.choice(_TOML)
        lines = lines or [""]
    return "\n".join(lines).encode()


def in_npy(data: bytes, rng: random.Random) -> bytes:
    """A claim in the header of an ``.npy`` file changed."""
    (length,) = struct.unpack_from("<H", data, 8)
    header = data[10 : 10 + length].decode()
    old, new = rng.choice(
        [
            ("<f4", rng.choice(["|O", "<f8", "<U4", "f4,f4", "<c8", "|b1", ">f4", "<M8[s]", "x"])),
            ("False", rng.choice(["True", "None", "0", "x()"])),
            ("(", rng.choice(["(" * 3000, "[", "(-1, ", "(1.5, ", "(True, ", ""])),
            (",", rng.choice([", " + "9" * 30 + ",", ", 0,", f", {1 << 60},", ", 4294967296,"])),
            ("descr", rng.choice(["x", "fortran_order"])),
            ("{", rng.choice(["", "[", "{1: 2, ", "-" * 2000 + "{"])),
        ]
    )
    text = header.replace(old, new, 1).encode()
    size = len(text) if rng.random() < 0.9 else rng.choice([0, 1, 65535])
    return data[:6] + b"\x01\x00" + struct.pack("<H", min(size, 65535)) + text + data[10 + length :]


def in_zip(members: dict[str, Mutate]) -> Mutate:
    """One member of an archive damaged, by the end of its name; or how the archive holds it."""

    def mutate(data: bytes, rng: random.Random) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {i.filename: archive.read(i) for i in archive.infolist()}
        name = rng.choice(list(files))
        kind = rng.random()
        if kind < 0.6:
            suited = next((m for end, m in members.items() if name.endswith(end)), in_bytes)
            files[name] = suited(files[name], rng) if files[name] else b"x"
        elif kind < 0.7:
            files[rng.choice(["", "x", "../x", "y.npy", name + "/"])] = files.pop(name)
        return _zipped(files, name, rng, broken=kind >= 0.7)

    return mutate


def _zipped(files: dict[str, bytes], name: str, rng: random.Random, *, broken: bool) -> bytes:
    out = io.BytesIO()
    method = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(out, "w", method) as archive:
        for key, content in files.items():
            archive.writestr(zipfile.ZipInfo(key), content, method)
            if broken and key == name and rng.random() < 0.2:
                archive.writestr(zipfile.ZipInfo(key + " "), content, method)
    made = bytearray(out.getvalue().replace(f"{name} ".encode(), name.encode() + b"\0"))
    if broken:  # a field of the central directory, which zipfile believes
        at = made.find(b"PK\x01\x02")
        for _ in range(rng.randrange(len(files))):
            at = made.find(b"PK\x01\x02", at + 1) if made.find(b"PK\x01\x02", at + 1) > 0 else at
        field, kind = rng.choice([(8, "<H"), (10, "<H"), (16, "<I"), (20, "<I"), (24, "<I"),
                                  (28, "<H"), (30, "<H"), (42, "<I")])  # fmt: skip
        odd = rng.choice([0, 1, 9, 12, 14, 99, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF])
        struct.pack_into(kind, made, at + field, odd & (0xFFFF if kind == "<H" else 0xFFFFFFFF))
    return bytes(made)


def in_onnx(data: bytes, rng: random.Random) -> bytes:
    """Fields of the protocol buffer replaced, removed, repeated, exchanged."""
    import onnx

    model = onnx.ModelProto()
    model.ParseFromString(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        _in_message(rng.choice(_messages(model)), rng)
    made: bytes = model.SerializeToString()
    return made


def _messages(message: Any) -> list[Any]:
    found = [message]
    for at in found:  # grows while it is walked
        for field, value in at.ListFields():
            if field.message_type is not None:
                repeated = hasattr(value, "add")
                found.extend(value if repeated else [value])
    return found


def _in_message(message: Any, rng: random.Random) -> None:
    fields = message.ListFields()
    if not fields:
        return
    field, value = rng.choice(fields)
    if not hasattr(value, "append"):
        if field.message_type is not None or rng.random() < 0.2:
            message.ClearField(field.name)
        else:
            with suppress(ValueError):  # no such member of an enumeration
                setattr(message, field.name, _odd(value, rng))
        return
    at = rng.randrange(len(value))
    kind = rng.random()
    if kind < 0.3:
        del value[at]
    elif field.message_type is not None:
        other = rng.randrange(len(value))
        if kind < 0.6:
            value.add().CopyFrom(value[at])
        else:
            value[at].CopyFrom(value[other])
    elif kind < 0.5:
        value.append(value[at])
    else:
        with suppress(ValueError):
            value[at] = _odd(value[at], rng)


def _odd(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bytes):
        return in_bytes(value, rng) if value else b"x"
    if isinstance(value, str):
        return rng.choice(["", "x", "y" * 100_000, "\x1b[2J\n", "Conv", "Reshape", value + "_"])
    if isinstance(value, float):
        return rng.choice([0.0, -1.0, 1e38, float("nan"), float("inf"), 0.5])
    return rng.choice([0, 1, -1, 2, 7, 16, 1 << 20, (1 << 31) - 1, -(1 << 31)])


def in_tflite(data: bytes, rng: random.Random) -> bytes:
    """Fields of the flatbuffer's tables replaced, removed, repeated, exchanged."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        _in_table(rng.choice(_tables(model)), rng)
    builder = flatbuffers.Builder(len(data))
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    except (TypeError, AttributeError, ValueError, struct.error, OverflowError):
        return in_bytes(data, rng)  # what cannot be written so
    return bytes(builder.Output())


def _tables(table: Any) -> list[Any]:
    found = [table]
    for at in found:  # grows while it is walked
        for value in vars(at).values():
            items = value if isinstance(value, list) else [value]
            found.extend(v for v in items if hasattr(v, "Pack"))
    return found


def _in_table(table: Any, rng: random.Random) -> None:
    import numpy as np

    names = [k for k, v in vars(table).items() if v is not None]
    if not names:
        return
    name = rng.choice(names)
    value = getattr(table, name)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        items = list(value)
        at = rng.randrange(len(items)) if items else 0
        kind = rng.random()
        if not items or kind < 0.2:
            items = []
        elif kind < 0.4:
            del items[at]
        elif kind < 0.6:
            items.insert(at, items[rng.randrange(len(items))])
        elif isinstance(items[at], int | float):
            items[at] = rng.choice([0, 1, -1, 2, 127, items[at] + 1])
        setattr(table, name, items)
    elif isinstance(value, bytes | str):
        setattr(table, name, rng.choice([b"", b"x" * 100_000, b"\x1b[2J", b"\xff"]))
    elif isinstance(value, bool | int | float):
        setattr(table, name, rng.choice([0, 1, -1, 2, 3, 9, 100, value]))
    else:
        setattr(table, name, None)
