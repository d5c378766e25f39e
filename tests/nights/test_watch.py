"""The watch's logic, with a folder and a clock made of paper."""

import errno
import json
import os
from itertools import chain

import pytest

from galedge.answers.bands import Group
from galedge.errors import OutputError
from galedge.nights.nightlog import NightLog, State
from galedge.nights.watch import Found, Scanner, Watch, state_of
from galedge.support.waiter import Waiter

SETTLE, PATIENCE = 0.3, 60.0


class Paper:
    """A folder, a clock, and a scanner over them."""

    def __init__(self, done=()):
        self.files, self.now, self.incomplete, self.asked = {}, 0.0, set(), []
        self.scanner = Scanner(
            lambda: [Found(Group(path, (path,)), state) for path, state in self.files.items()],
            self._complete,
            lambda path, state: (path, state) in done,
            SETTLE,
            PATIENCE,
            clock=lambda: self.now,
        )

    def _complete(self, group):
        self.asked.append(group.path)
        return group.path not in self.incomplete

    def put(self, path, size=2880, mtime_ns=0):
        self.files[path] = State(size, mtime_ns)

    def look(self, at):
        """Look at a time; take what is ready as done."""
        self.now = at
        ready = self.scanner.ready()
        for found in ready:
            self.scanner.finish(found)
        return [found.path for found in ready]


def test_a_file_is_ready_once_when_it_has_settled():
    paper = Paper()
    paper.put("a")
    assert [paper.look(t) for t in (0, 0.2, 0.4, 0.6, 100)] == [[], [], ["a"], [], []]
    assert paper.asked == ["a"]
    assert paper.scanner.pending == 0


def test_what_is_ready_stays_so_until_it_is_finished():
    paper = Paper()
    paper.put("a")
    paper.scanner.ready()
    paper.now = 1
    assert (
        paper.scanner.ready()
        == paper.scanner.ready()
        == [Found(Group("a", ("a",)), State(2880, 0))]
    )


@pytest.mark.parametrize("change", ["size", "mtime_ns"])
def test_a_slow_writer_is_waited_for(change):
    paper = Paper()
    for tick in range(100):
        paper.put("a", **{change: tick})
        assert paper.look(tick * 0.2) == []
    assert paper.asked == []  # what changes need not be opened
    assert [paper.look(19.8 + t) for t in (0.2, 0.4)] == [[], ["a"]]


def test_a_file_that_pauses_half_way_is_not_taken():
    paper = Paper()
    paper.put("a", size=100)
    paper.incomplete = {"a"}
    assert [paper.look(t) for t in (0, 1, 30, 59)] == [[]] * 4
    paper.put("a", size=2880)
    paper.incomplete = set()
    assert [paper.look(t) for t in (59.2, 59.4, 59.6)] == [[], [], ["a"]]
    assert paper.asked == ["a", "a"]  # once for each state


def test_patience_ends():
    paper = Paper()
    paper.put("a")
    paper.incomplete = {"a"}
    assert [paper.look(t) for t in (0, 59, 60, 120)] == [[], [], ["a"], []]


def test_a_file_that_comes_again_changed_is_another():
    paper = Paper()
    paper.put("a")
    assert [paper.look(t) for t in (0, 1)] == [[], ["a"]]
    paper.put("a", mtime_ns=-5)  # older than before: a copy that kept its times
    assert [paper.look(t) for t in (2, 3, 4)] == [[], ["a"], []]


def test_deleted_and_renamed_files_are_not_waited_for():
    paper = Paper()
    paper.put("a")
    paper.look(0)
    paper.files["b"] = paper.files.pop("a")
    assert [paper.look(t) for t in (0.2, 0.4, 0.6)] == [[], [], ["b"]]
    del paper.files["b"]
    assert paper.look(0.8) == []
    assert paper.scanner.pending == 0


def test_what_was_done_before_the_restart_is_not_done_again():
    paper = Paper(done={("a", State(2880, 0))})
    paper.put("a")
    paper.put("b")
    assert [paper.look(t) for t in (0, 1, 2)] == [[], ["b"], []]


def test_a_jump_of_the_clock_changes_nothing():
    paper = Paper()
    paper.put("past", mtime_ns=-(10**18))
    paper.put("future", mtime_ns=4 * 10**18)
    assert [paper.look(t) for t in (0, 1, 2)] == [[], ["past", "future"], []]


def test_a_crowd_is_taken_in_parts():
    paper = Paper()
    for i in range(3000):
        paper.put(f"{i:04}")
    paper.look(0)
    taken = [paper.look(1 + t) for t in range(4)]
    assert [len(part) for part in taken] == [1024, 1024, 952, 0]
    assert list(chain(*taken)) == sorted(paper.files)


# --- rows ---------------------------------------------------------------------


class Answer:
    def __init__(self, path, error=None):
        self.path, self.error = path, error

    def as_row(self):
        return {"path": self.path, "error": self.error}


def several(answer):
    return answer if isinstance(answer, list) else [answer]


class Stage:
    """A folder on disk, and a watch over it that is stepped by hand."""

    def __init__(self, folder, answer=Answer):
        self.folder, self.notes, self.written, self.now = folder, [], [], 0.0
        self.output = str(folder.parent / "night.jsonl")
        self.waiter = Waiter()
        self.log = NightLog(self.output, ["path", "error"], {"model": "m"})
        self.scanner = Scanner(
            self._look, lambda group: True, self.log.is_done, SETTLE, PATIENCE, lambda: self.now
        )
        self.watch = Watch(
            self.scanner,
            lambda groups: (several(answer(group.path)) for group in groups),
            self.log,
            self.waiter,
            lambda row, found: self.written.append(row.path),
            self.notes.append,
        )

    def _look(self):
        for path in sorted(self.folder.iterdir()):
            group = Group(str(path), (str(path),))
            yield Found(group, state_of(group))

    def steps(self, count=2):
        for _ in range(count):
            self.watch.step()
            self.now += 1

    @property
    def identities(self):
        with open(self.output) as file:
            return [json.loads(line)["identity"] for line in file]

    @property
    def names(self):
        with open(self.output) as file:
            return [os.path.basename(json.loads(line)["path"]) for line in file]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.fits", "b.fits"):
        (folder / name).write_text(name)
    return folder


def test_rows_are_written_once_across_restarts(folder):
    stage = Stage(folder)
    stage.steps(4)
    assert stage.names == ["a.fits", "b.fits"]
    with stage.log:
        pass
    with open(stage.output, "a") as file:
        file.write('{"path": "c.fi')  # torn
    (folder / "c.fits").write_text("c")
    stage = Stage(folder)
    assert len(stage.log) == 2
    stage.steps(4)
    assert stage.names == ["a.fits", "b.fits", "c.fits"]
    assert [os.path.basename(path) for path in stage.written] == ["c.fits"]


def test_another_model_is_another_row(folder):
    stage = Stage(folder)
    stage.steps()
    with stage.log:
        stamp = State(6, (folder / "a.fits").stat().st_mtime_ns)
        assert stage.log.is_done(str(folder / "a.fits"), stamp)
    other = NightLog(stage.output, ["path", "error"], {"model": "n"})
    assert not other.is_done(str(folder / "a.fits"), stamp)


def sources(path, count):
    return [Answer(f"{path}#{number}") for number in range(count)]


def test_rows_of_a_frame_are_written_together(folder):
    stage = Stage(folder, lambda path: sources(path, 3))
    stage.steps(3)
    assert stage.names == [f"{name}#{n}" for name in ("a.fits", "b.fits") for n in range(3)]
    identities = stage.identities
    assert len(set(identities)) == 6
    assert [each.rpartition("-")[2] for each in identities[:2]] == ["1", "2"]
    assert identities[0] == f"{identities[2]}-1"
    assert len(stage.log) == 2


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_frame_whose_rows_a_kill_cut_short_is_done_again(folder, left):
    stage = Stage(folder, lambda path: sources(path, 3))
    stage.steps(3)
    stage.log.__exit__(None, None, None)
    with open(stage.output) as file:
        lines = file.readlines()
    with open(stage.output, "w") as file:
        file.writelines([*lines[: 3 + left], lines[5][:40]])
    stage = Stage(folder, lambda path: sources(path, 3))
    assert len(stage.log) == 1
    stage.steps(3)
    assert stage.names == [f"{name}#{n}" for name in ("a.fits", "b.fits") for n in range(3)]
    assert [os.path.basename(path) for path in stage.written] == [f"b.fits#{n}" for n in range(3)]


def test_rows_of_a_frame_that_changed_meanwhile_are_none(folder):
    def answer(path):
        if not hits:
            hits.append(path)
            with open(path, "a") as file:
                file.write("more")
        return sources(path, 2)

    hits = []
    stage = Stage(folder, answer)
    stage.steps(2)
    assert stage.names == ["b.fits#0", "b.fits#1"]
    stage.steps(2)
    assert stage.names[2:] == ["a.fits#0", "a.fits#1"]


def test_a_frame_does_not_fit_on_the_disk(folder, monkeypatch):
    stage = Stage(folder, lambda path: sources(path, 3))
    write, left = os.write, 2

    def full(file, data):
        nonlocal left
        if left:
            left -= 1
            write(file, data[: len(data) // 2])  # one row and a half
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(stage.waiter, "wait", lambda seconds: None)
    stage.steps()
    assert stage.names == [f"{name}#{n}" for name in ("a.fits", "b.fits") for n in range(3)]


def test_any_file_of_several_tells_a_state_from_another(folder):
    group = Group("b", (str(folder / "a.fits"), str(folder / "b.fits")))
    before = state_of(group)
    os.utime(folder / "a.fits", ns=(1, 1))  # the younger one stays as it is
    now = state_of(group)
    assert (now.size, now.mtime_ns) == (before.size, before.mtime_ns)
    assert now != before
    (folder / "a.fits").unlink()
    assert state_of(group) is None


def test_a_file_that_changed_while_it_was_read_has_no_row_of_that(folder):
    def answer(path):
        if not hits:
            hits.append(path)
            with open(path, "a") as file:
                file.write("more")
        return Answer(path)

    hits = []
    stage = Stage(folder, answer)
    stage.steps(2)
    assert stage.names == ["b.fits"]
    stage.steps(2)
    assert stage.names == ["b.fits", "a.fits"]


def test_a_file_that_is_deleted_before_it_is_read_has_no_row(folder):
    def answer(path):
        if path.endswith("a.fits"):
            os.unlink(path)
            return Answer(path, "no such file")
        return Answer(path)

    stage = Stage(folder, answer)
    stage.steps(3)
    assert stage.names == ["b.fits"]
    assert stage.scanner.pending == 0


def test_a_full_disk_is_waited_for(folder, monkeypatch):
    stage = Stage(folder)
    write, left = os.write, 3

    def full(file, data):
        nonlocal left
        if left:
            left -= 1
            write(file, data[:5])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(stage.waiter, "wait", lambda seconds: None)
    stage.steps()
    assert stage.names == ["a.fits", "b.fits"]
    assert stage.notes == [
        "the table cannot be written: No space left on device; waiting for room",
        "there is room again",
    ]


def test_a_stop_ends_waiting_for_room(folder, monkeypatch):
    stage = Stage(folder)

    def full(file, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(
        stage.waiter, "wait", lambda seconds: setattr(stage.waiter, "stopped", True)
    )
    stage.steps()
    monkeypatch.undo()
    assert stage.names == []


def test_other_failures_of_the_table_end_the_watch(folder, monkeypatch):
    stage = Stage(folder)
    with stage.log:
        stage.watch.step()
        stage.now = 1
        os.rename(stage.output, stage.output + ".old")
        with pytest.raises(OutputError, match="was removed or replaced while being written"):
            stage.watch.step()
        os.rename(stage.output + ".old", stage.output)
        monkeypatch.setattr(os, "write", lambda *_: os.open("/nowhere/x", os.O_WRONLY))
        with pytest.raises(OutputError, match="cannot be written: No such file"):
            stage.watch.step()


def test_a_table_of_another_kind_is_refused(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"path": "a.fits", "label": "E"}\n')
    with pytest.raises(OutputError, match="rows that are not of a night"):
        NightLog(str(tmp_path / "t.jsonl"), ["path"], {})
    with pytest.raises(OutputError, match=r"end the name in \.jsonl"):
        NightLog(str(tmp_path / "t.csv"), ["path"], {})
    assert os.listdir(tmp_path) == ["t.jsonl"]


def test_waiting_ends_when_stopped_or_when_a_file_comes(tmp_path):
    waiter = Waiter()
    waiter.follow(str(tmp_path))
    waiter.follow(str(tmp_path))
    waiter.follow(str(tmp_path / "gone"))
    (tmp_path / "a.fits").write_text("a")
    waiter.wait(3600)
    waiter.wait(0.01)  # the event was used up
    waiter.stop()
    waiter.wait(3600)
    with pytest.raises(KeyboardInterrupt):
        waiter.stop()
