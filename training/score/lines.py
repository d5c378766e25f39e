"""Lines: tables in Markdown, and numbers with their intervals in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["table", "three"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table as lines of Markdown."""
    rule = "|---" * len(head) + "|"
    first, *others = ("| " + " | ".join(cells) + " |" for cells in (head, *rows))
    return [first, rule, *others]


def three(values: Sequence[float], digits: int = 3) -> str:
    """Return [value, low, high] as text."""
    value, low, high = (f"{one:.{digits}f}" for one in values)
    return f"{value} ({low}..{high})"
