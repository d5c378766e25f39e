"""Journals: what a killed run leaves is used, whole, once, and only where it fits."""

import errno
import json
import os
from dataclasses import dataclass

import pytest

from galedge.errors import OutputError
from galedge.images.inputs import Rejected
from galedge.nights.journal import Journal
from galedge.support.appendlog import AppendLog

BINDING = {"model_sha256": "m" * 64, "hdu": None}


@dataclass
class Answer:
    path: str
    error: str | None = None
    value: float = 0.1 + 0.2

    def as_row(self):
        return {"path": self.path, "value": self.value, "error": self.error}


class Stream:
    """Answers, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, inputs):
        for item in inputs:
            path = item.path if isinstance(item, Rejected) else item
            self.asked.append(path)
            yield Answer(path, "rejected" if isinstance(item, Rejected) else None)


@pytest.fixture
def files(tmp_path):
    paths = [str(tmp_path / name) for name in ("a.fits", "b.fits", os.fsdecode(b"\xff'\n.fits"))]
    for path in paths:
        with open(path, "w") as file:
            file.write(path[:1])
    return paths


def run(table, inputs, stop_after=None, binding=BINDING):
    """Return what was asked, and the rows; leave as a kill would after so many."""
    stream, rows = Stream(), []
    with Journal(str(table), binding) as journal:
        for row in journal.stream(stream)(inputs):
            rows.append(row.as_row())
            if len(rows) == stop_after:
                break
    return stream.asked, rows


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_only_the_rest_is_done_again(tmp_path, files, stop_after):
    inputs = [files[0], Rejected("x", "no such file"), *files[1:], files[0]]
    whole = run(tmp_path / "other.csv", inputs)[1]
    first, _ = run(tmp_path / "t.csv", inputs, stop_after)
    second, rows = run(tmp_path / "t.csv", inputs)
    assert rows == whole
    assert set(first) & set(second) <= {"x"}
    assert run(tmp_path / "t.csv", inputs) == (["x"], whole)


def test_a_file_that_changed_is_done_again(tmp_path, files):
    run(tmp_path / "t.csv", files)
    os.utime(files[1], ns=(0, 0))  # long ago, and yet another state
    assert run(tmp_path / "t.csv", files)[0] == [files[1]]
    assert run(tmp_path / "t.csv", files)[0] == []
    os.unlink(files[1])
    assert run(tmp_path / "t.csv", files)[0] == [files[1]]


@pytest.mark.parametrize(
    "tail", [b"{", b'{"path": "a.fits", "size"', b"\0" * 5000, b"x" * 3_000_000]
)
def test_a_torn_last_line_is_ignored(tmp_path, files, tail):
    run(tmp_path / "t.csv", files)
    journal = tmp_path / "t.csv.journal"
    content = journal.read_bytes()
    for torn in (content + tail, content[:-1]):
        journal.write_bytes(torn)
        asked, rows = run(tmp_path / "t.csv", files)
        assert asked == ([] if torn.startswith(content) else files[2:])
        assert [row["path"] for row in rows] == files
    assert journal.read_bytes() == content


def test_every_cut_of_a_journal_is_usable(tmp_path, files):
    whole = run(tmp_path / "t.csv", files)[1]
    journal = tmp_path / "t.csv.journal"
    content = journal.read_bytes()
    for cut in range(0, len(content), 13):
        journal.write_bytes(content[:cut])
        asked, rows = run(tmp_path / "t.csv", files)
        assert rows == whole
        assert len(asked) == 3 - max(0, content[:cut].count(b"\n") - 1)
        assert journal.read_bytes() == content


def test_a_damaged_line_costs_its_row_only(tmp_path, files):
    run(tmp_path / "t.csv", files)
    journal = tmp_path / "t.csv.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[2] = b"\0" * (len(lines[2]) - 1) + b"\n"  # as a power failure leaves it
    journal.write_bytes(b"".join(lines))
    assert run(tmp_path / "t.csv", files)[0] == [files[1]]


@pytest.mark.parametrize(
    "changed", [{"model_sha256": "n" * 64}, {"hdu": 1}, {"new": 1}], ids=["model", "hdu", "more"]
)
def test_a_journal_of_another_run_is_refused(tmp_path, files, changed):
    run(tmp_path / "t.csv", files, 2)
    before = (tmp_path / "t.csv.journal").read_bytes()
    (name,) = changed
    with pytest.raises(OutputError, match=rf"begun with another {name} .*, or remove the journal"):
        Journal(str(tmp_path / "t.csv"), BINDING | changed)
    assert (tmp_path / "t.csv.journal").read_bytes() == before
    assert len(run(tmp_path / "t.csv", files)[0]) == 1  # and its lock is free again


def test_what_is_no_journal_is_refused_and_kept(tmp_path):
    for content in (b"path,label\n", b"{}\n", b'{"galedge_other": 1}'):
        (tmp_path / "t.csv.journal").write_bytes(content)
        with pytest.raises(OutputError, match="holds something else"):
            Journal(str(tmp_path / "t.csv"), BINDING)
        assert (tmp_path / "t.csv.journal").read_bytes() == content
    os.unlink(tmp_path / "t.csv.journal")
    os.mkfifo(tmp_path / "t.csv.journal")
    with pytest.raises(OutputError, match="not a regular file"):
        Journal(str(tmp_path / "t.csv"), BINDING)
    with pytest.raises(OutputError, match="No such file or directory"):
        Journal(str(tmp_path / "nowhere/t.csv"), BINDING)


def test_two_runs_do_not_share_a_journal(tmp_path):
    with (
        Journal(str(tmp_path / "t.csv"), BINDING),
        pytest.raises(OutputError, match="another galedge is writing it"),
    ):
        Journal(str(tmp_path / "t.csv"), BINDING)


@pytest.mark.parametrize("fail_at", [0, 10, 1000])
def test_a_line_that_does_not_fit_is_taken_back(tmp_path, monkeypatch, fail_at):
    path = tmp_path / "log.jsonl"
    with AppendLog(str(path), b'{"') as log:
        log.append(b'{"a": 1}\n')
        write, room = os.write, fail_at

        def full(file, data):
            nonlocal room
            if room == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            part, room = data[: min(room, 7)], max(0, room - 7)
            return write(file, part)

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            log.append(b'{"b": "' + b"x" * 2000 + b'"}\n')
        monkeypatch.undo()
        assert path.read_bytes() == b'{"a": 1}\n'
        log.append(b'{"c": 3}\n')
        assert [json.loads(line) for line in path.read_text().splitlines()] == [{"a": 1}, {"c": 3}]
        assert [line.record for line in log] == [{"a": 1}, {"c": 3}]
