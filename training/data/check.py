"""Check data before they teach: counts, imbalance, duplicates, leaks, contradictions, a look."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from galedge.errors import GaledgeError
from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from training.data.duplicates import fingerprint, groups, look_alikes, sky_pairs
from training.data.pack import Pack
from training.data.readers import read
from training.data.splits import SIDES, places
from training.words.labels import hubble_class
from training.words.types import CLASSES

__all__ = ["Table", "check", "contact_sheet", "gather", "summary"]

Row = dict[str, str]
OFF = "off the sequence"  # a T that is no Hubble class, as of dwarf ellipticals


@dataclass
class Table:
    """Labelled pictures of one or several data sets, prepared alike.

    `kind` names the class of each row ("" where there is none), `classes` the
    classes in order, and `unreadable` tells why a file could not be shown.
    """

    rows: list[Row]
    pixels: np.ndarray
    kind: np.ndarray
    classes: list[str]
    unreadable: dict[int, str]

    def column(self, name: str) -> np.ndarray:
        """Return a column of the rows as text."""
        return np.array([row.get(name) or "" for row in self.rows], dtype=object)


def gather(sources: list[Path], *, size: int = 72, threads: int = 2, chunk: int = 256) -> Table:
    """Read packs and data sets, and prepare the latter's pictures framed on the galaxy."""
    rows: list[Row] = []
    pixels: list[np.ndarray] = []
    own: list[str] = []
    unreadable: dict[int, str] = {}
    for source in sources:
        if (source / "pack.json").exists():
            pack = Pack.open(source)
            with open(source / "labels.csv", newline="") as file:
                these = list(csv.DictReader(file))
            own += pack.info.get("classes") or []
            pixels.append(_resized(pack.exact["auto"], size))
            bad = [i for i, row in enumerate(these) if row.get("split") == "unreadable"]
            unreadable |= {len(rows) + i: "could not be read when it was packed" for i in bad}
        else:
            data = read(source)
            these = data.rows
            own += data.classes
            for start in range(0, len(these), chunk):
                some = range(start, min(start + chunk, len(these)))
                images = []
                for i in some:
                    try:
                        images.append(data.picture(i))
                    except (OSError, ValueError, KeyError, GaledgeError) as error:
                        unreadable[len(rows) + i] = str(error)
                        images.append(np.zeros((3, 8, 8), np.uint8))
                batch = prepare(images, Recipe(size=size), threads=threads)
                for i, fact in zip(some, batch.facts, strict=True):
                    if fact.error:
                        unreadable.setdefault(len(rows) + i, fact.error)
                pixels.append(batch.pixels)
        for row in these:
            row.setdefault("set", source.name)
            row["galaxy"] = row.get("galaxy") or row["file"]
        rows += these
    kind = [_kind(row) for row in rows]
    named = {*kind} - {"", OFF}
    classes = [name for name in dict.fromkeys([*CLASSES, *own, *sorted(named)]) if name in named]
    return Table(rows, np.concatenate(pixels), np.array(kind, object), classes, unreadable)


def _kind(row: Row) -> str:
    if row.get("t_type"):
        label = hubble_class(float(row["t_type"]))
        return CLASSES[label] if label >= 0 else OFF
    return row.get("class") or ""


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
    sky, look = sky_pairs(*places(table.rows)), look_alikes(prints)
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
    typed = [w for w in several if all(table.rows[i].get("t_type") for i in w)]
    spans = [np.ptp([float(table.rows[i]["t_type"]) for i in where]) for where in typed]
    worst = sorted(range(len(typed)), key=lambda k: -spans[k])[:20]
    return {
        "galaxies_labelled_more_than_once": len(several),
        "of_one_class": sum(len({table.kind[i] for i in where}) == 1 for where in several),
        "rms_t": round(float(np.sqrt(np.mean(np.square(spans)))), 2) if spans else None,
        "widest": [
            {table.rows[i]["file"]: float(table.rows[i]["t_type"]) for i in typed[k]}
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
    order = [*(name for name in CLASSES if name in kinds), *(k for k in kinds if k not in CLASSES)]
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
        spread = f"; T differs by {said['rms_t']} (RMS)" if said["rms_t"] is not None else ""
        lines.append(f"labels         {text}{spread}")
    return "\n".join(lines)
