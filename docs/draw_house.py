"""Draws the house from its code: docs/house.svg, and the list of modules in docs/design.md.

    python docs/draw_house.py

The rooms and their arrows are what the files import, and a module's line is the first of its own
documentation. `tests/docs/test_design.py` fails where one of them has changed since.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from textwrap import wrap
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers.house import ROOMS, arrows, modules, room  # noqa: E402

PICTURE, PAGE = ROOT / "docs" / "house.svg", ROOT / "docs" / "design.md"
BEGIN, END = "<!-- modules: python docs/draw_house.py -->\n", "<!-- end of modules -->\n"

# Rooms that are a file or a folder without code: the ground on which the others stand.
GROUND = ("errors", "_version", "models")
SOURCES = (".hpp", ".inl", ".cpp")
OUTSIDE = {
    "galedge": "The ground, and the public names of what lies in a room.",
    "training": "Their entrance.",
}
COLOURS = {
    "cli": "#d9d9d9", "nights": "#c9d3e8", "frames": "#d5e3c8", "tuning": "#e6dfb3",
    "answers": "#f6d9a8", "network": "#f2c4b3",
    "tables": "#cfe3ea", "images": "#c8e2d0", "core": "#e3cfe6",
    "support": "#e8e4da",
}  # fmt: skip

WAY = (
    ("", "path · bytes · array · frame + source list"),
    ("images", "images/image: what is in the file. Pixels, mask, header, coordinates"),
    ("core", "core/_core, which is csrc/prepare.cpp: sky, galaxy, frame, resampling, stretch: "
             "uint8 (N, 3, S, S)"),
    ("network", "network/engines: one pass in ONNX Runtime, OpenVINO or CUDA"),
    ("network", "network/heads: calibrated classes, quantities, labels, as the card says"),
    ("answers", "answers/classifier: results in the order of the sources, one for each, "
                "failed ones too"),
    ("tables", "tables: rows as CSV, JSON Lines, ECSV, FITS, VOTable, Parquet; a gallery"),
)  # fmt: skip

# Sizes in pixels.
WIDTH, MARGIN, TOP, GAP, AIR = 1060, 20, 56, 38, 16

HOUSE, STEPS, SCHOOL = (MARGIN, 440), (500, 280), (820, 220)  # left edge and width of a column


def summary(path: Path) -> str:
    """Return the first paragraph of a module's documentation, in one line."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split())


def summary_of_core(stem: str) -> str:
    """Return the first sentence of what a file of csrc/ says of itself, in its header first."""
    for ending in SOURCES:
        path = ROOT / "csrc" / f"{stem}{ending}"
        lines = path.read_text().splitlines() if path.exists() else []
        comment = []
        for line in lines:
            if not line.startswith("//"):
                break
            comment.append(line[2:].strip())
        text = " ".join(comment)
        if text:
            return text.split(". ")[0].rstrip(".") + "."
    raise ValueError(f"csrc/{stem}: says nothing of itself in its first line")


def needed(package: str) -> dict[str, set[str]]:
    """Return which rooms a room imports, without those that follow from the others."""
    inside = [name for name in ROOMS[package] if name and not name.startswith("__")]
    above: dict[str, set[str]] = {name: set() for name in inside if name not in GROUND}
    for module, others in arrows(package).items():
        if room(module) in above:
            above[room(module)] |= {room(o) for o in others} & set(above) - {room(module)}

    def reached(name: str) -> set[str]:
        return above[name].union(*(reached(other) for other in above[name]))

    return {
        name: others - set().union(*(reached(other) for other in others))
        for name, others in above.items()
    }


def users(imports: dict[str, set[str]], name: str) -> list[str]:
    """Return the rooms that import a room."""
    return [user for user, others in imports.items() if name in others]


def floors(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the rooms from the top floor down, each below all that import it."""
    floor: dict[str, int] = {}
    for name in reversed(imports):  # from the top, as ROOMS begins with the ground
        floor[name] = max((floor[user] for user in users(imports, name)), default=-1) + 1
    return [[n for n in imports if floor[n] == i] for i in range(max(floor.values()) + 1)]


@dataclass(frozen=True)
class Place:
    """Where a room is drawn."""

    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Where arrows meet it that are alone."""
        return self.left + self.width / 2


class Drawing:
    """Collects the lines of an SVG; arrows lie under boxes."""

    def __init__(self) -> None:
        self.under: list[str] = []
        self.over: list[str] = []

    def text(self, x: float, y: float, words: str, *, size: int = 13, bold: bool = False) -> None:
        """Write words from their left end on."""
        weight = ' font-weight="bold"' if bold else ""
        self.over.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}"{weight}>{escape(words)}</text>'
        )

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Draw a box with round corners."""
        self.over.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
            f'fill="{colour}" stroke="#555"/>'
        )

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw an arrow from one floor to a lower one."""
        assert y2 > y1, "an arrow points down"
        turn = max(y1, y2 - GAP)  # straight past the floors between
        middle = (turn + y2) / 2
        self.under.append(
            f'<path d="M{x1:g} {y1:g} V{turn:g} C{x1:g} {middle:g} {x2:g} {middle:g} '
            f'{x2:g} {y2 - 7:g}" '
            'fill="none" stroke="#555" stroke-width="1.4" marker-end="url(#tip)"/>'
        )

    def svg(self, height: float) -> str:
        """Return the whole."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
            'font-family="Helvetica, Arial, sans-serif" fill="#222">\n'
            '<defs><marker id="tip" markerUnits="userSpaceOnUse" markerWidth="9" '
            'markerHeight="9" refX="1" refY="4.5" orient="auto">'
            '<path d="M0 0 L9 4.5 L0 9 z" fill="#555"/></marker></defs>\n'
            f'<rect width="{WIDTH}" height="{height:g}" fill="white"/>\n'
        )
        return head + "\n".join([*self.under, *self.over]) + "\n</svg>\n"


def draw_rooms(drawing: Drawing, package: str, left: float, width: float, words: bool) -> float:
    """Draw a package's rooms on their floors, and the arrows between; return the lower end."""
    imports = needed(package)
    rows = floors(imports)
    place: dict[str, Place] = {}
    y = float(TOP)
    for i, row in enumerate(rows):
        # Below those that import them, so that arrows cross as little as can be.
        row.sort(
            key=lambda name: fmean([place[user].middle for user in users(imports, name)] or [0])
        )
        below = {name for lower in rows[i + 1 :] for name in lower}
        passing = [name for upper in rows[:i] for name in upper if imports[name] & below]
        share = (width + AIR) / max(len(row), 2 if passing else 1)
        # A floor that arrows pass leaves them the side on which they begin.
        lone = len(row) == 1 and bool(passing)
        shift = share if lone and place[passing[0]].left < left + width / 2 - share / 2 else 0.0
        says = {
            name: wrap(
                summary(ROOT / package / name / "__init__.py").rstrip("."),
                int((share - AIR - 14) / 5.7),
            )
            for name in row
        }
        height = 40 + (14 * max(len(lines) for lines in says.values()) if words else 0)
        for j, name in enumerate(row):
            here = place[name] = Place(left + j * share + shift, y, share - AIR, height)
            drawing.box(here.left, y, here.width, height, COLOURS.get(name, "#eeeeee"))
            drawing.text(here.left + 10, y + (22 if words else 25), f"{name}/", size=15, bold=True)
            for k, line in enumerate(says[name] if words else ()):
                drawing.text(here.left + 10, y + 40 + 14 * k, line, size=12)
        y += height + GAP
    for name, others in imports.items():
        here = place[name]
        targets = sorted(others, key=lambda other: place[other].middle)
        for k, other in enumerate(targets):
            there = place[other]
            above = sorted(users(imports, other), key=lambda user: place[user].middle)
            drawing.arrow(
                here.left + here.width * (k + 1) / (len(targets) + 1),
                here.top + here.height,
                there.left + there.width * (above.index(name) + 1) / (len(above) + 1),
                there.top,
            )
    return y - GAP


def draw_way(drawing: Drawing, left: float, width: float, lower: float) -> None:
    """Draw the way of a galaxy, each step in the colour of its room."""
    step = round((lower - TOP + 30) / len(WAY))
    for i, (name, words) in enumerate(WAY):
        lines = wrap(words, int((width - 20) / 5.9))
        y = TOP + i * step
        height = step - 30
        drawing.box(left, y, width, height, COLOURS.get(name, "white"))
        for k, line in enumerate(lines):
            first = y + height / 2 - 7.5 * len(lines) + 11.5
            drawing.text(left + 10, first + 15 * k, line, size=12)
        if i:
            drawing.arrow(left + width / 2, y - 30, left + width / 2, y)


def picture() -> str:
    """Return the picture: the house, the way of a galaxy, and training."""
    drawing = Drawing()
    for (left, _), words in zip(
        (HOUSE, STEPS, SCHOOL), ("galedge/", "The way of a galaxy", "training/"), strict=True
    ):
        drawing.text(left, 36, words, size=19, bold=True)
    lower = draw_rooms(drawing, "galedge", *HOUSE, words=True)
    drawing.box(HOUSE[0], lower + 12, HOUSE[1], 26, "white")
    ground = " · ".join(GROUND) + ": the ground, which any room may import"
    drawing.text(HOUSE[0] + 10, lower + 29, ground, size=12)
    lower += 38
    draw_way(drawing, *STEPS, lower)
    end = draw_rooms(drawing, "training", *SCHOOL, words=False)
    for k, line in enumerate(
        (
            "Imports galedge; galedge never",
            "imports it. Hands over a bundle:",
            "card.json and its networks.",
        )
    ):
        drawing.text(SCHOOL[0], end + 34 + 16 * k, line, size=12)
    drawing.text(
        MARGIN,
        lower + 30,
        "An arrow: imports. Those that follow from others are left out; none points up.",
        size=12,
    )
    return drawing.svg(lower + 46)


def listing() -> str:
    """Return a line for every module: a block for each room, and one for csrc/."""
    parts = []
    for package, names in ROOMS.items():
        files = {name: path for name, path in modules(package).items() if name}
        folders = [name for name in reversed(names) if name in needed(package)]
        for name in folders:
            inside = {m: p for m, p in files.items() if room(m) == name and m != name}
            parts += [f"**`{package}/{name}/`** {summary(files[name])}", block(inside, name)]
        outside = {m: p for m, p in files.items() if room(m) not in folders}
        parts += [f"**`{package}/`** {OUTSIDE[package]}", block(outside)]
    core = ROOT / "csrc"
    found = [p for p in (*core.iterdir(), *(core / "fuzz").iterdir()) if p.suffix in SOURCES]
    stems = sorted({path.relative_to(core).with_suffix("").as_posix() for path in found})
    lines = [(stem, summary_of_core(stem)) for stem in stems]
    parts += ["**`csrc/`** The core, one algorithm a file.", aligned(lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


def block(files: dict[str, Path], name: str = "") -> str:
    """Return the lines of modules, named from their room on."""
    rows = []
    for module, path in files.items():
        inner = module[len(name) + 1 :] if name else module
        inner = inner.replace(".", "/") + ("/" if path.name == "__init__.py" else "")
        rows.append((inner, summary(path)))
    return aligned(rows)


def aligned(rows: list[tuple[str, str]]) -> str:
    """Return names and what they are as an indented block, in two columns."""
    lines = []
    for name, words in rows:
        # Of one width whatever the names, so that a new one moves no other line.
        lines += wrap(
            f"{name:20} {words}",
            112,
            initial_indent=" " * 4,
            subsequent_indent=" " * 25,
            replace_whitespace=False,
            drop_whitespace=True,
            break_long_words=False,
        )
    return "\n".join(lines)


def page() -> str:
    """Return docs/design.md with its list of modules made anew."""
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + listing() + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    PICTURE.write_text(picture())
    PAGE.write_text(page())
