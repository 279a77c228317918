"""What ``-o`` may replace, and what a process that is ended leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.pipeline import manifest
from edgeprune.pipeline.output import check_writable, replace_file, whole_folder
from edgeprune.scratch import LOCK, work_folder
from tests.e2e.conftest import Command


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A folder as a build leaves it."""
    out = tmp_path / "out"
    write(out, "first")
    return out


def write(out: Path, text: str, *, force: bool = False) -> None:
    with whole_folder(out, force=force) as folder:
        (folder / "c").mkdir()
        (folder / "c" / "model.c").write_text(text)
        (folder / "report.json").write_text("{}")


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b""
        for p in folder.rglob("*")
        if not p.is_dir()
    }


def test_a_result_is_replaced_by_the_next(result: Path) -> None:
    write(result, "second")
    assert (result / "c" / "model.c").read_text() == "second"
    assert [p.name for p in result.parent.iterdir()] == ["out"]


def test_the_list_of_what_was_written_is_one_that_sha256sum_checks(result: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", manifest.NAME], cwd=result, check=False)
    assert done.returncode == 0


STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file of the user": (lambda d: (d / "c" / "main.c").write_text("mine"), "c/main.c"),
    "a file changed by hand": (lambda d: (d / "c" / "model.c").write_text("my"), "model.c (ch"),
    "an empty folder": (lambda d: (d / "photos").mkdir(), "photos/"),
    "a link to a file": (lambda d: (d / "link").symlink_to("/etc/hostname"), "link"),
    "a link to a folder": (lambda d: (d / "link").symlink_to("/etc"), "link"),
    "a link in place of a file": (
        lambda d: ((d / "report.json").unlink(), (d / "report.json").symlink_to("c/model.c")),
        "report.json",
    ),
    "a pipe": (lambda d: os.mkfifo(d / "pipe"), "pipe"),
    "no list": (lambda d: (d / manifest.NAME).unlink(), "report.json"),
    "a damaged list": (lambda d: (d / manifest.NAME).write_text("x"), manifest.NAME),
    "many files": (lambda d: [(d / f"{i}").write_text("") for i in range(9)], "and 4 more"),
}


@pytest.mark.parametrize("what", STRANGE)
def test_what_is_not_ours_is_named_and_stays(result: Path, what: str) -> None:
    change, name = STRANGE[what]
    change(result)
    before = content(result) if what != "a pipe" else None
    for attempt in (lambda: check_writable(result), lambda: write(result, "second")):
        with pytest.raises(EdgePruneError) as error:
            attempt()
        assert name in str(error.value)
        assert "--force" in error.value.hint
    assert before is None or content(result) == before
    assert [p.name for p in result.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("what", STRANGE)
def test_force_replaces_whatever_is_there(result: Path, what: str) -> None:
    STRANGE[what][0](result)
    write(result, "second", force=True)
    assert set(content(result)) == {"c/model.c", "report.json", manifest.NAME}


def test_what_comes_in_during_the_work_is_found_too(result: Path) -> None:
    with pytest.raises(EdgePruneError, match="notes"), whole_folder(result):
        (result / "notes").write_text("mine")
    assert (result / "notes").read_text() == "mine"


def test_files_that_the_user_removed_are_no_obstacle(result: Path) -> None:
    (result / "report.json").unlink()
    write(result, "second")


def test_a_folder_with_any_report_json_is_not_taken_for_ours(
    edgeprune: Command, tmp_path: Path
) -> None:
    out = tmp_path / "p"
    (out / "src").mkdir(parents=True)
    (out / "report.json").write_text("{}")
    (out / "src" / "main.c").write_text("x")
    for command in ("build", "analyze", "sweep", "extract", "fit"):
        done = edgeprune(command, "-o", out)
        assert done.status == 2, command
        assert "src/main.c" in done.err
    assert (out / "src" / "main.c").read_text() == "x"


def test_a_link_stays_and_what_it_points_to_is_written(result: Path) -> None:
    link = result.parent / "link"
    link.symlink_to("out")
    write(link, "second")
    assert link.is_symlink()
    assert (result / "c" / "model.c").read_text() == "second"


@pytest.mark.parametrize("name", [".", "..", "/", "x" * 256, "x" * 256 + "/y", "loop", "file"])
def test_places_that_cannot_be_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "loop").symlink_to("loop")
    (here / "file").write_text("")
    with pytest.raises(EdgePruneError) as error:
        check_writable(Path(name), force=True)
    assert error.value.hint
    assert sorted(p.name for p in here.iterdir()) == ["file", "loop"]


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    write(tmp_path / ("x" * 255), "first")
    write(tmp_path / ("x" * 255), "second")


def test_folders_that_were_made_for_it_go_again_when_nothing_comes_of_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "a" / "b" / "out"):
        raise ZeroDivisionError
    assert not [*tmp_path.iterdir()]


def test_a_full_disk_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(EdgePruneError, match="No space left"), whole_folder(tmp_path / "out"):
        Path("/dev/full").write_text("x")
    assert not [*tmp_path.iterdir()]


def test_a_page_made_again_is_written_over_a_link_not_through_it(result: Path) -> None:
    outside = result.parent / "outside"
    outside.write_text("mine")
    (result / "report.html").symlink_to(outside)
    replace_file(result, "report.html", "new")
    assert outside.read_text() == "mine"
    assert (result / "report.html").read_text() == "new"
    write(result, "second")  # the list knows the page


DIES = """
import os, sys, time
from pathlib import Path
from edgeprune.pipeline import output
from edgeprune.scratch import workspace
(workspace() / "temporary").write_text("")
rename = Path.rename
def dying(self, target):
    if self.name == "new":
        os.kill(os.getpid(), 9)
    return rename(self, target)
Path.rename = dying
with output.whole_folder(Path(sys.argv[1])) as folder:
    (folder / "report.json").write_text("")
    if sys.argv[2] == "working":
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("moment", ["working", "replacing"])
def test_what_a_killed_build_left_is_removed_and_the_earlier_result_is_back(
    result: Path, moment: str
) -> None:
    parent = result.parent
    temp = {**os.environ, "TMPDIR": str(parent)}
    done = subprocess.run([sys.executable, "-c", DIES, result, moment], env=temp, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len([*parent.iterdir()]) > 1
    script = (
        "from edgeprune.pipeline.output import check_writable\n"
        "from edgeprune.scratch import workspace\n"
        "import sys, pathlib; workspace(); check_writable(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", script, result], env=temp, check=True)
    assert [p.name for p in parent.iterdir()] == ["out"]
    assert (result / "c" / "model.c").read_text() == "first"


def test_the_folder_of_a_build_that_runs_is_left_alone(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a") as one:
        with whole_folder(tmp_path / "b") as other:
            (other / "x").write_text("")
        assert one.is_dir()
        (one / "x").write_text("")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_folder_of_the_user_with_a_name_like_ours_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / ".edgeprune-notes"
    also = tmp_path / ".edgeprune-abcdefgh"
    for folder in (mine, also):
        folder.mkdir()
        (folder / "notes").write_text("mine")
    (mine / LOCK).write_text("")
    with work_folder(tmp_path, lambda _: None):
        pass
    assert (mine / "notes").exists()
    assert (also / "notes").exists()


def test_builds_into_one_folder_end_with_one_whole_result(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from edgeprune.pipeline.output import whole_folder\n"
        "for _ in range(25):\n"
        "    with whole_folder(pathlib.Path(sys.argv[1])) as f:\n"
        "        for i in range(3): (f / str(i)).write_text(sys.argv[2])\n"
    )
    out = tmp_path / "out"
    racers = [
        subprocess.Popen([sys.executable, "-c", script, out, name]) for name in ("a", "b", "c")
    ]
    assert [r.wait(600) for r in racers] == [0, 0, 0]
    assert len({(out / str(i)).read_text() for i in range(3)}) == 1
    assert not manifest.strangers(out)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_goes_while_its_place_is_looked_at_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = tmp_path / ".edgeprune-abcdefgh"
    passing.mkdir()
    scandir = os.scandir

    @contextmanager
    def late(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(path) as entries:
            found = list(entries)
        if passing.exists():
            passing.rmdir()
        yield found

    monkeypatch.setattr(os, "scandir", late)
    with work_folder(tmp_path, lambda _: None):
        pass


SIGNALS = [signal.SIGINT, signal.SIGTERM]
"""That ask for the end."""


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_signal_in_the_middle_of_a_text_that_python_executes_is_one_like_any_other(
    tmp_path: Path, sent: signal.Signals
) -> None:
    body = f"    exec('import os; os.kill(os.getpid(), {int(sent)}); print(1)')\n"
    assert _ended_in(body, tmp_path) == (130, "interrupted; nothing was written\n")


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_signal_while_a_native_module_starts_is_one_like_any_other(
    tmp_path: Path, sent: signal.Signals
) -> None:
    body = (
        "    import os\n"
        "    try:\n"
        f"        os.kill(os.getpid(), {int(sent)})\n"
        "        print(1)\n"
        "    except KeyboardInterrupt as error:\n"
        "        raise ImportError('initialization failed') from error\n"
    )
    assert _ended_in(body, tmp_path) == (130, "interrupted; nothing was written\n")


def test_a_module_that_is_missing_is_not_taken_for_a_signal(tmp_path: Path) -> None:
    status, said = _ended_in("    import no_such_module\n", tmp_path)
    assert status == 1
    assert "no_such_module" in said


def _ended_in(body: str, folder: Path) -> tuple[int, str]:
    """Exit status and messages of a command that does so."""
    (folder / "waits.py").write_text(
        "import sys\n"
        "from edgeprune import cli\n"
        "@cli.app.command()\n"
        f"def wait():\n{body}"
        "sys.argv[1:] = ['wait']\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "waits"],
        env={**os.environ, "PYTHONPATH": f"{folder}:{Path(__file__).parents[2]}"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("sent", "jobs"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGTERM, 2)]
)
def test_a_signal_leaves_nothing_behind(tmp_path: Path, sent: signal.Signals, jobs: int) -> None:
    command = [sys.executable, "-m", "edgeprune", "build", "--budget", "8KB", "--jobs", str(jobs)]
    process = subprocess.Popen(
        [*command, "-o", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stderr is not None
    assert "8,192" in process.stderr.readline()  # it is at work
    time.sleep(1.0)
    process.send_signal(sent)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not [p.name for p in tmp_path.iterdir()]


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_streams_that_the_caller_closed_are_no_obstacle(closed: list[int], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgeprune", "build", "nothing.onnx", "-o", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: [os.close(fd) for fd in closed],
    )
    assert done.returncode == 2
    assert ("nothing.onnx" in done.stderr) is (2 not in closed)
    assert not list(tmp_path.iterdir())


def test_a_name_that_nothing_can_have_is_an_error_of_the_user() -> None:
    with pytest.raises(EdgePruneError, match="is no name of a folder"):
        check_writable(Path("out\0put"))
