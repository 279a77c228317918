from __future__ import annotations

import re

import onnx
import onnx_conformance
import pytest

from edgeprune.frontends.from_onnx import TABLE


@pytest.fixture(scope="module")
def in_c() -> dict[str, str]:
    return onnx_conformance.run_in_c(onnx_conformance.collect()[0])


def test_no_backend_case_that_loads_is_computed_wrongly() -> None:
    cases, _ = onnx_conformance.collect()
    assert [c.name for c in cases if not onnx_conformance.passes_in_ir(c)] == []


def test_no_backend_case_that_is_compiled_to_c_is_wrong(in_c: dict[str, str]) -> None:
    assert [name for name, outcome in in_c.items() if outcome == "wrong"] == []


def test_the_table_in_the_documentation_says_what_passes(in_c: dict[str, str]) -> None:
    text = onnx_conformance.DOC.read_text()
    if f"onnx {onnx.__version__}," not in text:
        pytest.skip("the table was made with another release of onnx")
    listed = set(re.findall(r"^- `(\w+)`$", text.split("## Passed")[1], re.MULTILINE))
    assert listed == {name for name, outcome in in_c.items() if outcome == "passed"}


def test_refused_cases_of_operators_in_the_table_are_few_and_named() -> None:
    cases, left = onnx_conformance.collect()
    refused = [x for x in left if x.applies]
    assert len(refused) < len(cases) / 3
    assert all(x.reason for x in refused)


def test_most_operators_of_the_table_have_a_case_that_passes() -> None:
    seen = {c.op for c in onnx_conformance.collect()[0]}
    folded = {"Size", "Shape", "Cast", "QuantizeLinear", "DequantizeLinear"}
    # of these the suite has cases in integers alone, of the three after them in float64 alone; TopK
    # is left to the user's own code
    whole = {"ArgMax", "ArgMin", "ConvInteger", "DynamicQuantizeLinear", "MatMulInteger"}
    whole |= {"CumSum", "Einsum", "ReduceLogSumExp", "TopK"}
    whole |= {"And", "Equal", "Not", "Or", "Xor"}  # of whole numbers and truth values alone
    classic = {kind for kind in TABLE if kind.startswith("ai.onnx.ml.")}
    assert TABLE.keys() - seen - folded - whole - classic == set()
