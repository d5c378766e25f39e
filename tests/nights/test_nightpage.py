"""A night's page: shown now and then, and no reason to end a night."""

import pytest

from galedge.errors import OutputError
from galedge.nights.nightpage import NightPage


class Paper:
    """A gallery that counts, and fails when told to."""

    def __init__(self):
        self.rows, self.shown, self.ended, self.failing = [], [], [], False

    def add(self, row, pixels, upwards):
        self.rows.append((row, pixels, upwards))
        self._fail()

    def show(self):
        self._fail()
        self.shown.append(len(self.rows))

    def _fail(self):
        if self.failing:
            raise OutputError("n.html: cannot be written: No space left on device")

    def __enter__(self):
        return self

    def __exit__(self, *of_error):
        self.ended.append(of_error)


class Answer:
    path, error, pixels, upwards = "a.fits", None, "seen", True

    def as_row(self):
        return {"path": self.path}


@pytest.fixture
def stage():
    stage = Paper()
    stage.now, stage.notes = 100.0, []
    stage.page = NightPage(stage, stage.notes.append, lambda: stage.now)
    return stage


def test_it_is_shown_at_once_and_then_now_and_then(stage):
    stage.page.show()
    assert stage.shown == []
    stage.page.add(Answer())
    stage.page.show()
    for _ in range(19):
        stage.now += 1
        stage.page.add(Answer())
        stage.page.show()
    assert stage.shown == [1, 11]
    stage.now += 30
    stage.page.show()
    stage.now += 30
    stage.page.show()  # nothing is new
    assert stage.shown == [1, 11, 20]
    assert stage.rows[0] == ({"path": "a.fits"}, "seen", True)


def test_a_failure_is_told_once_and_tried_again(stage):
    stage.failing = True
    stage.page.add(Answer())
    for _ in range(3):
        stage.page.show()
        stage.now += 20
    assert stage.notes == [
        "n.html: cannot be written: No space left on device; the page is behind the table"
    ]
    stage.failing = False
    stage.page.show()
    assert stage.shown == [1]
    stage.now += 20
    stage.failing = True
    stage.page.add(Answer())
    assert len(stage.notes) == 2


def test_it_ends_with_the_night(stage):
    with stage.page:
        stage.page.add(Answer())
    assert stage.ended == [(None, None, None)]
