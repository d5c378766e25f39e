"""Questions: what people ask of galaxies that volunteers have answered, and who may judge by it.

Each is of two kinds, told of pictures that one half or more of those who were asked agree on.
Labels are of galaxies in train, half of each kind while there are so many; what they are worth is
judged on val and test, which no network here has learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["QUESTIONS", "Question", "Sides", "draw", "sides"]

Row = dict[str, str]

MOST = 400  # pictures of a kind that labels are drawn from

YES, NO = 0.5, 0.25  # of those who were asked
ASKED = 0.5  # of all volunteers; what fewer were asked is not sure


@dataclass(frozen=True)
class Question:
    """What tells two kinds apart.

    Attributes
    ----------
    name : str
    tell : function of a row
        True or False, or None of a row that it is not asked of.
    heads : tuple of str
        The labels of a network that answer it already, the second speaking against it.
    """

    name: str
    tell: Callable[[Row], bool | None]
    heads: tuple[str, ...] = ()


def _share(row: Row, label: str) -> float | None:
    """Return the share that said a label, if enough were asked."""
    if not row.get(label) or float(row[f"{label}_asked"]) < ASKED:
        return None
    return float(row[label])


def _voted(label: str, yes: float = YES, no: float = NO, name: str = "") -> Question:
    def tell(row: Row) -> bool | None:
        share = _share(row, label)
        return None if share is None or no < share < yes else share >= yes

    return Question(name or label, tell, (label,))


def _against(one: str, other: str, heads: tuple[str, ...] = ()) -> Question:
    def tell(row: Row) -> bool | None:
        yes, no = (((_share(row, label) or 0) >= YES) for label in (one, other))
        return None if yes == no else yes

    return Question(f"{one} or {other}", tell, heads)


def _star(source: str) -> Question:
    def tell(row: Row) -> bool | None:
        known = row.get("source") == source and row.get("kind") in ("star", "galaxy")
        return row["kind"] == "star" if known else None

    return Question(f"star, {source}", tell)


QUESTIONS = (
    _voted("ring"),
    _voted("merger"),
    _voted("bar"),
    _voted("bar", 0.75, 0.1, "bar, sure"),
    _against("edge_on", "cigar"),
    _against("arms_loose", "arms_tight", ("arms_loose", "arms_tight")),
    _star("ground"),
    _star("sdss_cutouts"),
)


@dataclass(frozen=True)
class Sides:
    """Rows of a data set that a question is asked of.

    Attributes
    ----------
    yes, no : ndarray of int
        Of train: what labels are drawn from.
    judged : ndarray of int
        Of val and test.
    truth : ndarray of bool
        Of `judged`.
    """

    yes: NDArray[np.intp]
    no: NDArray[np.intp]
    judged: NDArray[np.intp]
    truth: NDArray[np.bool_]


def sides(question: Question, rows: Sequence[Row], most: int = MOST) -> Sides | None:
    """Return a question's rows, or None where there are not two kinds on both sides."""
    told = [question.tell(row) for row in rows]
    held = np.array([row.get("split") in ("val", "test") for row in rows])
    yes, no = (np.array([one is kind for one in told]) for kind in (True, False))
    judged = np.flatnonzero((yes | no) & held)
    random = np.random.default_rng(0)
    pools = [random.permutation(np.flatnonzero(kind & ~held))[:most] for kind in (yes, no)]
    found = Sides(pools[0], pools[1], judged, yes[judged])
    whole = all(len(pool) for pool in pools) and 0 < found.truth.sum() < len(judged)
    return found if whole else None


def draw(found: Sides, number: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and labels of `number` pictures: half of each kind, or as many as there are."""
    random = np.random.default_rng([seed, 1])
    yes, no = random.permutation(found.yes), random.permutation(found.no)
    of_yes = min(number // 2, len(yes))
    of_no = min(number - of_yes, len(no))
    of_yes = min(number - of_no, len(yes))
    rows = np.concatenate([yes[:of_yes], no[:of_no]])
    return rows, np.repeat([1, 0], [of_yes, of_no])
