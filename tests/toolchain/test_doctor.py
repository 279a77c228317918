import pytest

from edgeprune.cli.doctor import command
from edgeprune.target import list_targets, load_target
from edgeprune.toolchain import doctor
from edgeprune.toolchain.compiler import find_compiler


def test_every_finding_says_what_is_lost_and_how_to_get_it() -> None:
    findings = doctor.diagnose()
    assert len({(f.kind, f.name) for f in findings}) == len(findings)
    for finding in findings:
        assert finding.without
        assert finding.install
        assert finding.is_here == (finding.version is not None)


def test_every_compiler_and_emulator_of_a_core_is_looked_for() -> None:
    names = {f.name for f in doctor.diagnose()}
    for target in map(load_target, list_targets()):
        if target.toolchain is not None:
            assert target.toolchain.prefix + "gcc" in names
        if target.emulator is not None:
            assert target.emulator.program in names


def test_what_is_missing_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_compiler", lambda target: None)
    monkeypatch.setattr(doctor, "emulator_version", lambda program: None)
    missing = {f.name for f in doctor.diagnose() if not f.is_here}
    assert {"arm-none-eabi-gcc", "qemu-system-arm", "gcc"} <= missing


def test_the_version_is_that_of_the_compiler() -> None:
    compiler = find_compiler(load_target("host"))
    assert compiler is not None
    assert compiler.title == f"gcc {compiler.version}"
    assert compiler.version.count(".") == 2


def test_a_tool_that_is_a_program_and_a_package_is_shown_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        doctor.Finding("pyocd", "flasher", None, "it cannot flash", "pip install pyocd"),
        doctor.Finding("pyocd", "package", None, "nothing is measured", "pip install pyocd"),
        doctor.Finding("gcc", "compiler", "12.2.0", "nothing is built", "apt-get install gcc"),
    ]
    monkeypatch.setattr(doctor, "diagnose", lambda: tuple(found))
    assert command.callback is not None
    command.callback(as_json=False)
    said = capsys.readouterr().err.splitlines()
    assert [line.rstrip() for line in said] == [
        "missing pyocd",
        "          without it: it cannot flash",
        "          without it: nothing is measured",
        "          install: pip install pyocd",
        "ok      gcc 12.2.0",
    ]
