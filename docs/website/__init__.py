"""The part of the site that is made when it is built: lists of the code's own tables.

A page asks for one in a comment of its own line, which nothing but this reads::

    <!-- made: columns classify -->

Pages may also have their blocks run, and show what these said: see `website.blocks`.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from website import blocks, lists

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

__all__ = ["filled", "setup"]

# Of pages, for Sphinx to copy from: it takes only what lies among its sources.
_PICTURES = blocks.ROOT / "build" / "shown"

_MADE = re.compile(r"^<!-- made: (\w+)((?: [\w-]+)*) -->$", re.M)


def filled(text: str) -> str:
    """Return a page's text with its lists in the place of the comments that ask for them."""
    return _MADE.sub(lambda found: getattr(lists, found[1])(*found[2].split()), text)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    text = filled(source[0])
    if app.config.website_run and blocks.runs(text):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            found = blocks.run(text, folder)
            text = blocks.shown(text, found, folder / "here", _PICTURES / name)
    source[0] = text


def _changed(app: Sphinx, env: BuildEnvironment, *names: set[str]) -> list[str]:
    """Return the pages that are made of more than their own text, which may have changed."""
    return [name for name in env.found_docs if _MADE.search(Path(env.doc2path(name)).read_text())]


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx fill the pages that it reads."""
    app.add_config_value("website_run", True, "env", bool)
    app.connect("source-read", _read)
    app.connect("env-get-outdated", _changed)
    return {"version": "1", "parallel_read_safe": True}
