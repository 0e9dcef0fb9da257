"""Progress in a file: a line now and then that says what a person wants to know in the morning."""

import io
import subprocess
import sys

import verse
from zeroverse.core.progress import EVERY, Lines, progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(total, steps: int, seconds: float) -> list[str]:
    file, clock = io.StringIO(), Clock()
    with Lines("zeroverse -> data", "object", total, file, clock) as bar:
        for step in range(steps):
            clock.now += seconds
            bar.counts({"slivers": step, "empty": 1, "failed": 0})
            bar.update()
    return file.getvalue().splitlines()


def test_a_line_now_and_then():
    """A thousand objects of a second each."""
    found = lines(1000, 1000, 1.0)
    assert found[0] == "zeroverse -> data: 1000 objects to do"
    assert (
        found[1]
        == f"zeroverse -> data: {EVERY:.0f} of 1000 objects in 0:00:30, 60 a minute, 0:16:10 to go; 29 x slivers; 1 x "
        f"empty"
    )
    assert found[-1] == "zeroverse -> data: 1000 of 1000 objects in 0:16:40, 60 a minute; 999 x slivers; 1 x empty"
    assert len(found) == 2 + 1000 // EVERY


def test_slow_work_gets_a_line_for_each():
    assert len(lines(3, 3, 7200.0)) == 5 and "0.00833 a minute, 4:00:00 to go" in lines(3, 3, 7200.0)[1]


def test_without_a_total_there_is_no_end_in_sight():
    assert lines(None, 2, 40.0) == [
        f"zeroverse -> data: {n} objects in {time}, 1.5 a minute; {words}"
        for n, time, words in (
            (1, "0:00:40", "1 x empty"),
            (2, "0:01:20", "1 x slivers; 1 x empty"),
            (2, "0:01:20", "1 x slivers; 1 x empty"),
        )
    ]


def test_what_is_no_terminal_gets_lines(capsys):
    with progress("verify", "shard", 2) as bar:
        bar.write("a remark")
    assert capsys.readouterr().err == "verify: 2 shards to do\na remark\nverify: 0 of 2 shards in 0:00:00\n"


def test_a_reader_that_has_enough_ends_the_command_quietly():
    code = "import sys, verse; sys.exit(verse.main(['--help']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 141


def test_another_broken_pipe_is_an_error(monkeypatch, capfd):
    def broken(self):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(verse.Doctor, "run", broken)
    assert verse.main(["doctor"]) == 1
    assert "Broken pipe" in capfd.readouterr().err
