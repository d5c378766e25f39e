"""The part of the site that is made when it is built: lists of the code's own tables.

A page asks for one in a comment of its own line, which nothing but this shows::

    <!-- made: columns classify -->
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from website import lists

if TYPE_CHECKING:
    from sphinx.application import Sphinx

__all__ = ["filled", "setup"]

_MADE = re.compile(r"^<!-- made: (\w+)((?: [\w-]+)*) -->$", re.M)


def filled(text: str) -> str:
    """Return a page's text with its lists in the place of the comments that ask for them."""
    return _MADE.sub(lambda found: getattr(lists, found[1])(*found[2].split()), text)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx fill the pages that it reads."""
    app.connect("source-read", _read)
    return {"version": "1", "parallel_read_safe": True}
