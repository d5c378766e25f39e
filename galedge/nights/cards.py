"""An answer as cards of a FITS header."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

from galedge.answers.result import Result
from galedge.tables.cells import printed, rounded

__all__ = ["Card", "cards_of"]

_LENGTH = 80


class Card(NamedTuple):
    """One card.

    Attributes
    ----------
    keyword : str
    value : str, int or float
        Text is printable ASCII and fits into the card.
    shown : str
        The value as FITS writes it.
    comment : str
    """

    keyword: str
    value: str | int | float
    shown: str
    comment: str

    def encoded(self) -> bytes:
        """Return its 80 characters."""
        value = self.shown if self.shown.startswith("'") else self.shown.rjust(20)
        text = f"{self.keyword:<8}= {value:<20} / {self.comment}"
        return text.encode("ascii", "replace")[:_LENGTH].ljust(_LENGTH)


def cards_of(result: Result) -> list[Card]:
    """Return an answer's cards, or that which says why there is none.

    A column has its own keyword, numbered where another one has it already. Last come
    the model and the time.
    """
    cards: dict[str, Card] = {}
    if result.error is not None:
        cards["GEERROR"] = _text("GEERROR", result.error, "why there is no answer")
    if not result.heads.subject.reasons.isdisjoint(result.flags):
        cards["GEFLAGS"] = _text("GEFLAGS", ";".join(result.flags), "why there is no label")
    row = result.as_row()
    for column in result.heads.columns:
        value = row[column.name]
        if not column.keyword or value is None:
            continue
        keyword, number = column.keyword, 1
        while keyword in (*cards, "GEMODEL", "GEDATE"):
            number += 1
            keyword = f"{column.keyword[: 8 - len(str(number))]}{number}"
        if isinstance(value, str):
            cards[keyword] = _text(keyword, value, column.description)
            continue
        short = rounded(value, column.digits)
        assert short is not None
        shown = str(printed(value, column.digits))
        cards[keyword] = _card(keyword, short, shown, column.description)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    model = _text("GEMODEL", f"{result.model} {result.model_sha256[:12]}", "model")
    return [*cards.values(), model, _text("GEDATE", now, "UTC")]


def _text(keyword: str, text: str, comment: str) -> Card:
    """Return a card of text; beyond one card it is cut."""
    text = "".join(c if " " <= c <= "~" else "?" for c in text)[:60]
    shown = "'" + text.replace("'", "''")[:66].ljust(8) + "'"
    return _card(keyword, text, shown, comment)


def _card(keyword: str, value: str | int | float, shown: str, comment: str) -> Card:
    room = _LENGTH - len(f"{keyword:<8}= {shown:<20} / ")
    return Card(keyword, value, shown, comment[: max(0, room)])
