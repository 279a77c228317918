"""The report on the terminal: what a person wants to know first, in one screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeprune.errors import printable
from edgeprune.pruning.groups import kept_words, worth_a_word
from edgeprune.report.schema import App, Report
from edgeprune.report.turns import together
from edgeprune.report.words import (
    FILES,
    RUNNERS,
    about_accuracy,
    about_default,
    about_outputs,
    about_time,
    rounds_in_calls,
)


def _bytes(n: int | None) -> str:
    return "-" if n is None else f"{n:,}"


def _percent(v: float | None) -> str:
    return "-" if v is None else f"{100 * v:.2f} %"


def _bold(name: str) -> Text:
    return Text(printable(name), "bold")


def show_report(report: Report, console: Console, where: str) -> None:
    """Print a build's record.

    Args:
        report: the content of report.json.
        console: where to; plain text where it is no terminal.
        where: what to open next.
    """
    size, budget = report["size"], report["budget"]
    verdict = "fits" if budget["fits"] else "DOES NOT FIT"
    console.print(
        _bold(report["model"]["path"]),
        f"for {report['target']['name']}, {report['dtype']}: {verdict}",
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column()
    _sizes(report, grid)
    named = (("ort_bytes", ".ort"), ("tflm_bytes", "for TFLM"))
    written: Mapping[str, Any] = size
    more = "".join(f", {name} {written[key]:,}" for key, name in named if written.get(key))
    files = f".tflite {_bytes(size['tflite_bytes'])}, .onnx {_bytes(size['onnx_bytes'])}{more}"
    grid.add_row("files", files)
    accuracy = report["accuracy"]
    if accuracy["n"]:
        grid.add_row(
            "accuracy",
            f"source {_percent(accuracy['source'])}, C {_percent(accuracy['c'])}, "
            f"TFLite {_percent(accuracy['tflite'])}, ONNX {_percent(accuracy['onnx'])}",
        )
    grid.add_row("" if accuracy["n"] else "accuracy", about_accuracy(accuracy))
    if off := about_outputs(report):
        grid.add_row("outputs", off)
    agreement = report["agreement"]
    grid.add_row("agreement", _agreement(agreement))
    if (name := report.get("noisiest_layer")) is not None:
        snr = next(row["snr_db"] for row in report["layers"] if row["name"] == name)
        blamed = str(name)[:40]
        grid.add_row("noise", f"most of it from {blamed}: {snr:.1f} dB of signal behind it")
    free = report["free"]
    if free["channels"] or free["inputs"]:
        grid.add_row("for free", f"{free['channels']} channels and {free['inputs']} inputs")
    _ran(report, grid)
    grid.add_row("work", f"{report['before']['macs']:,} -> {report['after']['macs']:,} MACs")
    if kept := _kept(report):
        grid.add_row("kept whole", kept)
    console.print(grid)
    console.print(_layers(report))
    console.print(f"({report['seconds']['total']:.1f} s)")
    console.print(f"see {where}", soft_wrap=True)


def _kept(report: Report) -> str:
    """Why no channel can go of some layers."""
    layers = sum(row["bits"] is not None for row in report["layers"])
    return kept_words(worth_a_word(report.get("kept_whole", {}), layers))


def _sizes(report: Report, grid: Table) -> None:
    """What is shipped, and what it takes where it runs."""
    size, limit = report["size"], report["budget"]["flash_bytes"]
    was = report["before"]["flash_bytes"]
    room = "" if limit is None else f" of {limit:,} ({limit - size['flash_bytes']:,} left)"
    before = f", {was:,} before pruning" if was and was != size["flash_bytes"] else ""
    if size.get("basis") in FILES:
        grid.add_row("file", f".{size['basis']}, {size['flash_bytes']:,} bytes{room}{before}")
        return
    how = "linked" if size["measured"] else "estimated: no cross compiler is installed"
    grid.add_row("flash", f"{size['flash_bytes']:,} bytes{room}, {how}{before}")
    weights, code = _bytes(size["weight_bytes"]), _bytes(size["code_bytes"])
    grid.add_row("", f"weights {weights}, code {code}")
    grid.add_row(
        "RAM",
        f"{_bytes(size['ram_bytes'])} bytes: arena {_bytes(size['arena_bytes'])} "
        f"(lower bound {_bytes(size['arena_lower_bound_bytes'])}), "
        f"stack {_bytes(size['stack_bytes'])}"
        + (f", states {_bytes(size['state_bytes'])}" if size.get("state_bytes") else ""),
    )
    memory = report.get("memory")
    if memory is not None and (by_rows := memory.get("by_rows")):
        outside = ", and its input lies outside of it" if by_rows["fed_by_rows"] else ""
        fed = ", or comes row by row" if by_rows["feed_bytes"] is not None else ""
        more = "" if by_rows["more_work"] is None else f" for {by_rows['more_work']:.1%} more work"
        grid.add_row(
            "by rows",
            f"{len(by_rows['layers'])} layers: arena {_bytes(size['arena_bytes'])} instead of "
            f"{_bytes(by_rows['arena_bytes_whole'])}{outside}{fed}{more} (estimated)",
        )


def _ran(report: Report, grid: Table) -> None:
    """What it did, or will do, where it runs."""
    run = report["run"]
    if run["cycles"] is not None or run["ms"] is not None:
        grid.add_row("time", _time(run))
    stack = f"stack {_bytes(run['stack_bytes'])} bytes, "
    if is_measured := run["measured_on"] is not None:
        grid.add_row("on the board", f"{stack}measured")
    if (kind := report["size"].get("basis")) in FILES:
        grid.add_row("in the app", RUNNERS[kind])
        if differs := about_default(report):
            grid.add_row("", f"{_percent(report['accuracy']['tflite_default'])}; {differs}")
        if app := report.get("app"):
            grid.add_row("", _in_app(app))
    elif run["instructions"] is not None:
        grid.add_row(
            "on the core",
            f"{run['instructions']:,} instructions an inference "
            f"({run['instructions_per_mac']} a multiply-accumulate), "
            f"{'' if is_measured else stack}{run['emulator']}",
        )
    elif not is_measured:
        grid.add_row("on the core", "not run: no emulator or compiler for this target")


def _in_app(app: App) -> str:
    """What the delegate runs, and how fast where that was asked for."""
    rest = app["outside_delegate"]
    said = f"outside of XNNPACK: {', '.join(rest)}" if rest else "all operators inside of XNNPACK"
    if app["speedup"] is None:
        return said
    return (
        f"{said}; {app['speedup']:.2f} times as fast as the whole network, "
        f"{app['ms']:.3g} ms against {app['ms_before']:.3g} on one thread of this machine"
    )


def _time(run: Mapping[str, Any]) -> str:
    """Milliseconds and cycles, and how sure they are."""
    cycles = "" if run["cycles"] is None else f"{run['cycles']:,} cycles an inference, "
    cycles += about_time(run)
    if run.get("flash_stalls") and run["measured_on"] is None:
        cycles += f"; {100 * run['flash_stalls']:.0f} % of them wait for flash"
    if run["ms"] is None:
        return cycles
    clock = "" if run["clock_hz"] is None else f" at {run['clock_hz'] / 1e6:g} MHz"
    return f"{run['ms']:.3g} ms{clock}: {cycles}"


def _agreement(a: Mapping[str, Any]) -> str:
    parts = []
    if rounded := rounds_in_calls(a):
        parts.append(f"C ~ TFLite, {rounded}")
    elif a["c_vs_tflite_mismatches"] is not None:
        parts.append(f"C = TFLite: {a['c_vs_tflite_mismatches']} outputs differ")
    for kind, name in (("onnx", "ONNX"), ("ort", "ORT"), ("tflm", "TFLM")):
        if a.get(f"c_vs_{kind}_mismatches") is None:
            continue
        lsb = a[f"c_vs_{kind}_max_lsb"]
        by = f" by at most {lsb} step{'s' if lsb > 1 else ''}" if lsb else ""
        parts.append(f"{name}: {a[f'c_vs_{kind}_mismatches']} differ{by}")
    if a["target_vs_host_mismatches"] is not None:
        parts.append(f"core = host: {a['target_vs_host_mismatches']} differ")
    return "; ".join(parts) + f" (n = {a['n']:,})"


def _layers(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name, justify in (
        ("layer", "left"),
        ("operator", "left"),
        ("channels", "right"),
        ("MACs", "right"),
        ("weights", "right"),
        ("bits", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for row in together(report["layers"]):
        old, new = row["channels_before"], row["channels_after"]
        table.add_row(
            str(row["name"])[:40] + (f" x{row['turns']}" if row["turns"] > 1 else ""),
            row["op"],
            str(new) if old == new else f"{old} -> {new}",
            f"{row['macs']:,}" if row["macs"] else "",
            f"{row['weight_bytes']:,}" if row["weight_bytes"] else "",
            f"{row['bits']:g}" if row.get("bits") else "",
        )
    return table


def show_run(record: dict[str, Any], console: Console) -> None:
    """Print what a run on an emulated core or on a board gave.

    Args:
        record: from ``pipeline.run.run_folder``.
        console: where to.
    """
    wrong = record["target_vs_host_mismatches"]
    verdict = Text("same as on this machine", "green") if wrong == 0 else Text("DIFFERENT", "red")
    console.print(
        _bold(record["target"]),
        f"on {record['measured_on'] or record['machine'] + ', ' + record['emulator']}:",
        verdict,
        f"({wrong} of {record['outputs_compared']:,} outputs differ over "
        f"{record['inferences']} inferences)",
    )
    if record["cycles"] is not None or record["ms"] is not None:
        console.print(_time(record))
    if record["measured_on"] is not None:
        _show_board(record, console)
        return
    if record["instructions"] is not None:
        console.print(
            f"instructions an inference: {record['instructions']:,} "
            f"({record['instructions_per_mac']} a multiply-accumulate), "
            f"loads {record['loads']:,.0f}",
        )
    if record["note"] is not None:
        console.print(f"note: {record['note']}", soft_wrap=True)
    s = record["sections"]
    console.print(
        f"flash {record['flash_bytes']:,} bytes: code {s['text']:,}, constants {s['rodata']:,}, "
        f"data {s['data']:,}; RAM: data {s['data']:,}, bss {s['bss']:,}, "
        f"arena {record['arena_bytes']:,}, stack {record['stack_bytes']:,} (high-water mark)",
    )
    if fed := record.get("row_by_row"):
        same = "the same" if fed["target_vs_host_mismatches"] == 0 else "DIFFERENT"
        counted = "" if fed["instructions"] is None else f", {fed['instructions']:,} instructions"
        console.print(
            f"with an input that comes row by row: {same}{counted}, arena {fed['arena_bytes']:,}"
        )
    if "layers" not in record:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("layer")
    for name in ("cycles", "flash", "instructions", "per MAC", "loads", "share"):
        table.add_column(name, justify="right")
    for row in record["layers"]:
        per = row["instructions_per_mac"]
        table.add_row(
            str(row["name"])[:40],
            "" if row["cycles"] is None else f"{row['cycles']:,}",
            "" if row["flash_stalls"] is None else f"{100 * row['flash_stalls']:.0f} %",
            f"{row['instructions']:,.0f}",
            "" if per is None else f"{per:.2f}",
            f"{row['loads']:,.0f}",
            f"{100 * row['share']:.1f} %",
        )
    console.print(table)


def _show_board(record: dict[str, Any], console: Console) -> None:
    if record["stack_bytes"] is not None:
        console.print(f"stack {record['stack_bytes']:,} bytes (high-water mark)")
    if record["resets"]:
        console.print(f"the board was reset {record['resets']} times on the way")


def show_fit(found: dict[str, Any], console: Console) -> None:
    """Print which targets a model fits.

    Args:
        found: from ``pipeline.fit.fit_model``.
        console: where to.
    """
    accuracy = found["accuracy"]
    console.print(
        _bold(found["model"]["path"]),
        f"{_percent(accuracy['source'])} of "
        f"{accuracy['n']:,} samples (labels: {accuracy['labels']})",
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name, justify in (
        ("target", "left"),
        ("fits", "left"),
        ("type", "left"),
        ("accuracy", "right"),
        ("flash", "right"),
        ("RAM", "right"),
        ("why", "left"),
    ):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    colour = {"as it is": "green", "after pruning": "yellow", "never": "red"}
    for row in found["targets"]:
        table.add_row(
            row["target"],
            Text(row["fits"], colour[row["fits"]]),
            row["dtype"] or "-",
            _percent(row["accuracy"]),
            _bytes(row["flash_bytes"]),
            _bytes(row["ram_bytes"]),
            row["why"],
        )
    console.print(table)
