"""Lists of names in the documentation, and whether they are those of galedge itself."""

from __future__ import annotations

import re
from pathlib import Path

from galedge.cli.abilities import names

DOCS = Path(__file__).parents[2] / "docs"

# Page, where the list begins and ends, and how a line of it names something.
_TICKED = r"`([^` ]+)`"
LISTS = {
    "codecs": ("fits.md", "| ZCMPTYPE |", "**Table.**", _TICKED),
    "framings": ("preparation.md", "**The frame**", "\n**", r"^\*(\w+)\*,"),
    "stretches": ("preparation.md", "**Stretch**", "\n**", r"^\*(\w+)\*,"),
    "heads": ("design.md", "| kind | output |", "\n\n", r"^\| `(\w+)` \|"),
    "tables": ("cli.md", "| extension |", "\n\n", r"`(\.\w+)`"),
    "engines": ("cli.md", "| `--engine auto", "` |", r"\\\|(\w+)"),
    "adapters": ("cli.md", "| adapter | for |", "\n\n", r"^\| `(\w+)` \|"),
}


def documented(kind: str) -> set[str]:
    """Return the names of a kind of thing that the documentation has."""
    page, begin, end, pattern = LISTS[kind]
    text = (DOCS / page).read_text(encoding="utf-8")
    start = text.index(begin)
    part = text[start : text.index(end, start + len(begin))]
    if kind == "tables":  # whose first column alone names them
        part = "\n".join(line.split("|")[1] for line in part.splitlines())
    if kind == "codecs":
        part = part.replace("`pip install 'galedge[codecs]'`", "")
    return set(re.findall(pattern, part, re.M))


def complaints(kind: str) -> list[str]:
    """Return what is wrong with the documentation's list of a kind of thing."""
    known, told = set(names()[kind]), documented(kind)
    page = LISTS[kind][0]
    return [f"docs/{page} lacks {name} of the {kind}" for name in sorted(known - told)] + [
        f"docs/{page} has {name} of the {kind}, which is none" for name in sorted(told - known)
    ]
