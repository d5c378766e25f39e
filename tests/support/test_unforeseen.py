"""What nobody foresaw costs one row, and its traceback is in the log once."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys

import pytest
from helpers.frames_made import write_frame
from helpers.made import galaxy, write_fits
from helpers.nights import _rows as json_rows

from galedge.answers import classifier as classifier_module
from galedge.answers import measure as measure_module
from galedge.answers.classifier import Classifier
from galedge.answers.measure import Measurer
from galedge.cli import cli
from galedge.errors import ModelError
from galedge.frames.frame import Frame
from galedge.images import formats
from galedge.images.prepare import prepare
from galedge.support import log
from galedge.support.appendlog import AppendLog
from galedge.support.atomic import AtomicFile
from galedge.support.say import say


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    monkeypatch.setattr(log, "_told", set())


def failing(function, name, error):
    """Return a function that raises where one of its sources has this name."""

    def fails(sources, *arguments, **options):
        if any(str(source).endswith(name) for source in sources):
            raise error
        return function(sources, *arguments, **options)

    return fails


def tracebacks(caplog):
    return [record for record in caplog.records if record.exc_info]


def test_one_image_does_not_take_its_chunk_along(night, bundle, monkeypatch, caplog):
    paths = sorted(night.iterdir())
    expected = Classifier(bundle).classify(paths)
    monkeypatch.setattr(
        classifier_module, "prepare", failing(prepare, "g2.fits", ZeroDivisionError("of nothing"))
    )
    for _ in range(2):
        found = Classifier(bundle, batch=5, workers=1).classify(paths)
        assert [result.error for result in found] == [
            *[None] * 2,
            "internal error: ZeroDivisionError: of nothing; please report it",
            *[None] * 2,
        ]
        assert [r for r in found if r.ok] == [r for r in expected if r.path != str(paths[2])]
        assert found[2].path == str(paths[2])
    assert len(tracebacks(caplog)) == 1
    assert tracebacks(caplog)[0].name == "galedge"
    assert str(paths[2]) in caplog.text


def test_an_image_that_only_python_reads_is_its_row_too(night, bundle, monkeypatch, caplog):
    (night / "odd.jpg").write_bytes(b"\xff\xd8\xff")
    monkeypatch.setattr(formats, "_file", lambda content: [][1])
    found = Classifier(bundle).classify([*sorted(night.iterdir()), b"BZh9"])
    errors = [result.error for result in found if not result.ok]
    assert errors == ["internal error: IndexError: list index out of range; please report it"] * 2
    assert len(tracebacks(caplog)) == 1


def test_what_concerns_every_image_is_raised(night, bundle, monkeypatch):
    monkeypatch.setattr(
        classifier_module, "prepare", failing(prepare, "g2.fits", ModelError("no more"))
    )
    with pytest.raises(ModelError, match="no more"):
        Classifier(bundle).classify(sorted(night.iterdir()))


def test_too_little_memory_is_a_row_without_a_traceback(night, bundle, monkeypatch, caplog):
    monkeypatch.setattr(classifier_module, "prepare", failing(prepare, "g2.fits", MemoryError()))
    found = Classifier(bundle).classify(sorted(night.iterdir()))
    assert [r.error for r in found if r.error] == ["there is not enough memory for this image"]
    assert not caplog.records


def test_a_measurement(night, monkeypatch, caplog):
    monkeypatch.setattr(measure_module, "structure", lambda image, **_: 1 / 0)
    found = list(Measurer().stream(sorted(night.iterdir())))
    assert [row.error for row in found] == [
        "internal error: ZeroDivisionError: division by zero; please report it"
    ] * 5
    assert len(tracebacks(caplog)) == 1


def test_a_frame(tmp_path, bundle, monkeypatch, caplog):
    (tmp_path / "s.csv").write_text("x,y\n150,61\n50,40\n")
    paths = [str(write_frame(tmp_path / f"{name}.fits")) for name in "abc"]
    locate = Frame.locate
    monkeypatch.setattr(
        Frame, "locate", lambda self, it: locate(self, None if "b.fits" in self.path else it)
    )
    table = tmp_path / "t.jsonl"
    arguments = ["--catalog", tmp_path / "s.csv", "--model", bundle, "-o", table]
    assert cli.main(["classify", *paths, *map(str, arguments)], standalone_mode=False) == 3
    errors = [(os.path.basename(row["path"]), row["error"]) for row in json_rows(table)]
    assert errors[:2] + errors[3:] == [(name, None) for name in ("a.fits",) * 2 + ("c.fits",) * 2]
    assert errors[2][0] == "b.fits"
    assert errors[2][1].startswith("internal error: AttributeError: ")
    assert len(tracebacks(caplog)) == 1


# Whatever is raised, and wherever: by a stream, and by what comes after a row.
WATCH = """
import sys
from galedge.answers import classifier
from galedge.cli import main, nights
stream, set_aside = classifier.Classifier.stream, nights.set_aside

def broken(self, sources):
    for result in stream(self, sources):
        if result.path.endswith("g1.fits") and result.ok:
            raise UnicodeError("of a kind that nobody knows")
        yield result

def lost(place, row):
    if row.path.endswith("g3.fits"):
        raise LookupError("the quarantine")
    set_aside(place, row)

classifier.Classifier.stream, nights.set_aside = broken, lost
main(sys.argv[1:])
"""


def test_a_watch_goes_on(night, bundle, tmp_path):
    output = tmp_path / "n.jsonl"
    arguments = ["watch", night, "-o", output, "--model", bundle, "--once"]
    command = [sys.executable, "-c", WATCH, *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert process.returncode == 3, process.stderr
    found = {os.path.basename(row["path"]): row["error"] for row in json_rows(output)}
    wrong = "internal error: UnicodeError: of a kind that nobody knows; please report it"
    assert found == {f"g{i}.fits": wrong if i == 1 else None for i in range(5)}
    assert process.stderr.count("Traceback") == 2
    assert process.stderr.count("UnicodeError: of a kind") == 3  # the log, its traceback, the row
    assert "g3.fits: internal error: LookupError: the quarantine" in process.stderr
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert process.returncode == 0
    assert len(json_rows(output)) == 5


def test_a_file_that_vanishes_between_two_looks(tmp_path, bundle, monkeypatch):
    paths = [tmp_path / name for name in ("a.fits", "b.jpg", "c.fits")]
    for path in paths[::2]:
        write_fits(path, galaxy())
    paths[1].write_bytes(b"\xff\xd8\xff" + bytes(100))
    head = formats._head

    def looked(content):
        found = head(content)
        os.unlink(content)
        return found

    monkeypatch.setattr(formats, "_head", looked)
    assert [result.error for result in Classifier(bundle).classify(paths)] == [
        None,
        "cannot be opened: No such file or directory",
        None,
    ]


@pytest.mark.parametrize("reason", ["EINVAL", "ENOTSUP", "EBADF"])
def test_a_folder_that_cannot_be_synced_holds_files_all_the_same(tmp_path, monkeypatch, reason):
    sync = os.fsync

    def refuse(file):
        if os.path.isdir(f"/proc/self/fd/{file}"):
            raise OSError(getattr(errno, reason), "no folders")
        sync(file)

    monkeypatch.setattr(os, "fsync", refuse)
    with AtomicFile(tmp_path / "whole") as target:
        target.file.write(b"whole")
    with AppendLog(str(tmp_path / "log"), b"{") as lines:
        lines.append(b"{}\n")
    assert (tmp_path / "whole").read_bytes() == b"whole"
    assert (tmp_path / "log").read_bytes() == b"{}\n"


def test_the_logger_carries_what_the_command_line_says(caplog, capsys):
    with caplog.at_level(logging.INFO, "galedge"):
        say("a.fits: is no\x1b image")
    assert caplog.messages == ["a.fits: is no\\x1b image"]
    assert capsys.readouterr().err == "galedge: a.fits: is no\\x1b image\n"
