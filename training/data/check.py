"""Check data before they teach: counts, imbalance, duplicates, leaks, contradictions, a look."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from galedge.errors import GaledgeError
from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.duplicates import fingerprint, groups, look_alikes, not_elsewhere, sky_pairs
from training.data.pack import Pack, rows_of
from training.data.pose import pose
from training.data.readers import read
from training.data.splits import SIDES, places
from training.words.targets import class_of, left_out, number
from training.words.task import Task

__all__ = ["Table", "check", "contact_sheet", "gather", "summary"]

Row = dict[str, str]
OFF = "out of range"  # of a quantity, as dwarf ellipticals are of the Hubble sequence


@dataclass
class Table:
    """Labelled pictures of one or several data sets, prepared alike.

    `kind` names the class of each row ("" where there is none), `value` is its quantity (NaN),
    called `title`; `classes` are the classes in order, and `unreadable` tells why a file could
    not be shown.
    """

    rows: list[Row]
    pixels: np.ndarray
    kind: np.ndarray
    value: np.ndarray
    title: str
    classes: list[str]
    unreadable: dict[int, str]

    def column(self, name: str) -> np.ndarray:
        """Return a column of the rows as text."""
        return np.array([row.get(name) or "" for row in self.rows], dtype=object)


def gather(
    sources: list[Path],
    *,
    task: Task | None = None,
    column: str | None = None,
    size: int = 72,
    threads: int = 2,
    chunk: int = 256,
) -> Table:
    """Read packs and data sets, and prepare the latter's pictures framed on the galaxy.

    What is asked of each is its own task, unless a `task` or a `column` is given (see
    `training.data.pose`).
    """
    rows: list[Row] = []
    pixels: list[np.ndarray] = []
    tasks: list[Task] = []
    asked: list[Task] = []  # by row
    unreadable: dict[int, str] = {}
    for source in sources:
        if (source / "pack.json").exists():
            pack = Pack.open(source, task)
            these = rows_of(source)
            here = pack.task
            pixels.append(_resized(pack.exact["auto"], size))
            bad = [i for i, row in enumerate(these) if row.get("split") == "unreadable"]
            unreadable |= {len(rows) + i: "could not be read when it was packed" for i in bad}
        else:
            data = read(source)
            these = data.rows
            here = pose(data, task, column, source)
            for start in range(0, len(these), chunk):
                some = range(start, min(start + chunk, len(these)))
                images = []
                for i in some:
                    try:
                        images.append(data.picture(i))
                    except (OSError, ValueError, KeyError, GaledgeError) as error:
                        unreadable[len(rows) + i] = str(error)
                        images.append(np.zeros((3, 8, 8), np.uint8))
                batch = prepare(images, Recipe.latest(size=size), threads=threads)
                for i, fact in zip(some, batch.facts, strict=True):
                    if fact.error:
                        unreadable.setdefault(len(rows) + i, fact.error)
                pixels.append(batch.pixels)
        for row in these:
            row.setdefault("set", source.name)
            row["galaxy"] = row.get("galaxy") or row["file"]
        tasks.append(here)
        asked += [here] * len(these)
        rows += these
    kind = [_kind(row, here) for row, here in zip(rows, asked, strict=True)]
    named = {*kind} - {"", OFF}
    own = [name for one in tasks if one.classes for name in one.classes.names]
    return Table(
        rows,
        np.concatenate(pixels),
        np.array(kind, object),
        np.array([_value(row, here) for row, here in zip(rows, asked, strict=True)]),
        next((one.quantity.title for one in tasks if one.quantity), ""),
        [name for name in dict.fromkeys([*own, *sorted(named)]) if name in named],
        unreadable,
    )


def _kind(row: Row, task: Task) -> str:
    if left_out(task, row):
        return OFF
    place = class_of(task.classes, task, row) if task.classes else -1
    # A class that nobody asks for, as where all are of one, is shown all the same.
    return task.classes.names[place] if task.classes and place >= 0 else row.get("class") or ""


def _value(row: Row, task: Task) -> float:
    return number(row, task.quantity.column) if task.quantity else float("nan")


def _resized(pixels: np.ndarray, size: int) -> np.ndarray:
    if pixels.shape[-1] == size:
        return np.asarray(pixels)
    small = [
        np.asarray(Image.fromarray(picture.transpose(1, 2, 0)).resize((size, size)))
        for picture in pixels
    ]
    return np.stack(small).transpose(0, 3, 1, 2)


def check(table: Table) -> dict[str, Any]:
    """Return everything that can be counted against a data set, ready for JSON."""
    galaxy, split = table.column("galaxy"), table.column("split")
    good = [i for i in range(len(table.rows)) if i not in table.unreadable]
    prints = fingerprint(table.pixels)
    where = places(table.rows)
    sky, look = sky_pairs(*where), not_elsewhere(look_alikes(prints), prints, *where)
    group = groups(galaxy.astype(str), np.concatenate([sky, look]))
    counts: dict[str, dict[str, dict[str, int]]] = {}
    number = Counter(
        (row.get("source") or row["set"], row.get("split") or "none", kind or "unlabelled")
        for row, kind in zip(table.rows, table.kind, strict=True)
    )
    for (source, side, kind), value in sorted(number.items()):
        counts.setdefault(source, {}).setdefault(side, {})[kind] = value
    learned = [i for i in good if split[i] in ("train", "")]
    train = Counter(table.kind[i] for i in learned if table.kind[i] in table.classes)
    return {
        "pictures": len(table.rows),
        "classes": table.classes,
        "galaxies": len(set(group)),
        "counts": counts,
        "imbalance": _imbalance(train),
        "unreadable": {table.rows[i]["file"]: why for i, why in table.unreadable.items()},
        "duplicates": {
            "pictures_sharing_a_name": sum(n for n in Counter(galaxy).values() if n > 1),
            "by_position": _pairs(table, sky, None),
            "by_look": _pairs(table, look, prints),
        },
        "leaks": _leaks(table, group, split),
        "contradictions": _contradictions(table, group),
    }


def _imbalance(train: Counter[str]) -> dict[str, Any]:
    if not train:
        return {}
    (most, many), *_, (least, few) = [*train.most_common(), *train.most_common()[-1:]]
    return {"largest": most, "smallest": least, "ratio": round(many / few, 2)}


def _pairs(table: Table, pairs: np.ndarray, prints: np.ndarray | None) -> list[dict[str, Any]]:
    """Return the pairs whose names differ, the only ones that names do not tell of."""
    found = []
    for i, j in pairs:
        a, b = table.rows[i], table.rows[j]
        if a["galaxy"] == b["galaxy"]:
            continue
        pair: dict[str, Any] = {
            "files": [a["file"], b["file"]],
            "galaxies": [a["galaxy"], b["galaxy"]],
            "splits": [a.get("split") or "", b.get("split") or ""],
            "classes": [table.kind[i], table.kind[j]],
        }
        if prints is not None:
            pair["likeness"] = round(float(prints[i] @ prints[j]), 3)
        found.append(pair)
    return found


def _leaks(table: Table, group: np.ndarray, split: np.ndarray) -> list[dict[str, Any]]:
    members: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(group):
        if split[i] in SIDES:
            members[str(name)].append(i)
    return [
        {"galaxy": name, "files": {table.rows[i]["file"]: split[i] for i in where}}
        for name, where in members.items()
        if len({split[i] for i in where}) > 1
    ]


def _contradictions(table: Table, group: np.ndarray) -> dict[str, Any]:
    """Compare what different sources, or rows, say of one galaxy."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(group):
        if table.kind[i] in table.classes:
            members[str(name)].append(i)
    several = [where for where in members.values() if len(where) > 1]
    typed = [w for w in several if np.isfinite(table.value[w]).all()]
    spans = [np.ptp(table.value[where]) for where in typed]
    worst = sorted(range(len(typed)), key=lambda k: -spans[k])[:20]
    return {
        "galaxies_labelled_more_than_once": len(several),
        "of_one_class": sum(len({table.kind[i] for i in where}) == 1 for where in several),
        "quantity": table.title,
        "rms": round(float(np.sqrt(np.mean(np.square(spans)))), 2) if spans else None,
        "widest": [
            {table.rows[i]["file"]: float(table.value[i]) for i in typed[k]}
            for k in worst
            if spans[k] > 0
        ],
    }


def contact_sheet(pixels: np.ndarray, columns: int = 8) -> Image.Image:
    """Return pictures (N, 3, S, S) on one sheet, in reading order."""
    number, _, side, _ = pixels.shape
    lines = -(-number // columns)
    sheet = np.full((lines * (side + 2), columns * (side + 2), 3), 255, np.uint8)
    for k, picture in enumerate(pixels):
        y, x = k // columns * (side + 2), k % columns * (side + 2)
        sheet[y : y + side, x : x + side] = picture.transpose(1, 2, 0)
    return Image.fromarray(sheet)


def summary(found: dict[str, Any]) -> str:
    """Return what `check` found in a few lines and a table."""
    kinds = dict.fromkeys(k for s in found["counts"].values() for d in s.values() for k in d)
    own = found["classes"]
    order = [*(name for name in own if name in kinds), *(name for name in kinds if name not in own)]
    width = [max(5, len(name)) for name in order]
    head = "  ".join(f"{name:>{w}}" for name, w in zip(order, width, strict=True))
    lines = [f"{found['pictures']} pictures of {found['galaxies']} galaxies", ""]
    lines.append(f"{'source':<18}{'split':<12}{head}")
    for source, sides in found["counts"].items():
        for side, held in sides.items():
            cells = (f"{held.get(n, 0):>{w}}" for n, w in zip(order, width, strict=True))
            lines.append(f"{source:<18}{side:<12}" + "  ".join(cells))
    same, leaks, said = found["duplicates"], found["leaks"], found["contradictions"]
    lines.append("")
    if uneven := found["imbalance"]:
        names = f"{uneven['largest']} : {uneven['smallest']}"
        lines.append(f"imbalance      {uneven['ratio']} to 1 in training ({names})")
    by_name, by_place, by_look = same.values()
    lines.append(f"duplicates     {by_name} pictures share a galaxy's name")
    lines.append(f"               {len(by_place)} pairs of other names at one position")
    lines.append(f"               {len(by_look)} pairs of other names that look the same")
    for pair in by_look[:5]:
        lines.append(f"               {' = '.join(pair['files'])} ({', '.join(pair['splits'])})")
    lines.append(f"leaks          {len(leaks)} galaxies lie in more than one split")
    for leak in leaks[:5]:
        lines.append("               " + ", ".join(f"{f}: {s}" for f, s in leak["files"].items()))
    lines.append(f"unreadable     {len(found['unreadable'])} files")
    for file, why in list(found["unreadable"].items())[:5]:
        lines.append(f"               {file}: {why}")
    twice = said["galaxies_labelled_more_than_once"]
    if twice:
        text = f"{said['of_one_class']} of {twice} galaxies with several labels have one class"
        spread = (
            f"; {said['quantity']} differs by {said['rms']} (RMS)"
            if said["rms"] is not None
            else ""
        )
        lines.append(f"labels         {text}{spread}")
    return "\n".join(lines)
