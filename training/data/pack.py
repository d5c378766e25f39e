"""Data: labelled folders, packed once through galedge's own `prepare`.

`training.data.readers` lists the forms of a data set. `pack` writes a folder of
memory-mapped arrays, by view:

=========== =================================================================
auto        framed on the central source
full        the whole picture
grey        the colour picture turned grey, framed
linear0, .. simulated linear colour images (see `simulate`), framed
mono0, ..   the same in one band
=========== =================================================================

`<view>.exact.npy` is what the network is given at inference. `<view>.npy` is a
wider frame for augmentation, and `<view>.frame.npy` says where the first lies
in the second (a frame never leaves its picture, so the two may coincide).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from galedge.errors import GaledgeError
from training.data.readers import DataSet, pictures, read
from training.data.simulate import simulate
from training.data.splits import aside, assign, fold, same_galaxy
from training.words.labels import ATTRIBUTES, FEATURES, features, hubble_class
from training.words.types import CLASSES

__all__ = [
    "KINDS",
    "WIDER",
    "Pack",
    "kind_of",
    "luma",
    "of_kind",
    "on_sequence",
    "pack",
    "pictures",
]

# The kinds of input that are measured, and the packed view of each.
KINDS = {"colour": "auto", "grey": "grey", "linear": "linear0", "mono": "mono0"}
WIDER = 1.25  # side of a packed frame over the network's


@dataclass
class Pack:
    """A packed data set; arrays run over pictures and `views` are memory-mapped.

    `label` and `t` are -1 and NaN where unknown, `attributes` (first
    `ATTRIBUTES`, then `FEATURES`) NaN where undefined, and `t_sigma` is the width
    that the training target is given.
    `category` counts in `classes`: the data set's own, which training does not
    use, or where it has none Hubble's, like `label`. `fold` is the part of val that is
    held out, where the others are in train (see `folded`), `aside` the part of train that is
    not trained on (see `without`).
    """

    folder: Path
    info: dict[str, Any]
    views: dict[str, np.ndarray]
    exact: dict[str, np.ndarray]
    frames: dict[str, np.ndarray]
    file: np.ndarray
    galaxy: np.ndarray
    source: np.ndarray
    split: np.ndarray
    label: np.ndarray
    t: np.ndarray
    t_sigma: np.ndarray
    attributes: np.ndarray
    classes: tuple[str, ...] = CLASSES
    category: np.ndarray | None = None
    fold: str | None = None
    aside: str | None = None

    @classmethod
    def open(cls, folder: Path) -> Pack:
        """Open what `pack` wrote."""
        folder = Path(folder)
        info = json.loads((folder / "pack.json").read_text())
        with open(folder / "labels.csv", newline="") as file:
            rows = list(csv.DictReader(file))

        def arrays(kind: str) -> dict[str, np.ndarray]:
            paths = {name: folder / f"{name}{kind}.npy" for name in info["views"]}
            return {name: np.load(p, mmap_mode="r") for name, p in paths.items() if p.exists()}

        def number(name: str) -> np.ndarray:
            return np.array([float(row.get(name) or "nan") for row in rows], np.float32)

        t = number("t_type")
        width = (number("t_hi") - number("t_lo")) / 2
        sigma = np.where(np.isfinite(width), np.clip(width * 0.6, 0.5, 1.2), 0.8)
        label = [hubble_class(value) if np.isfinite(value) else -1 for value in t]
        attributes = np.stack([number(name) for name in ATTRIBUTES], 1)
        attributes[attributes < 0] = np.nan
        told = np.array([features(row) for row in rows], np.float32)
        classes = tuple(info.get("classes") or ())
        place = {name: i for i, name in enumerate(classes)}
        own = [place.get(row.get("class") or "", -1) for row in rows]
        return cls(
            folder=folder,
            info=info,
            views=arrays(""),
            exact=arrays(".exact"),
            frames=arrays(".frame"),
            file=np.array([row["file"] for row in rows]),
            galaxy=np.array([row.get("group") or row.get("galaxy") or row["file"] for row in rows]),
            source=np.array([row.get("source") or "" for row in rows]),
            split=np.array([row.get("split") or "train" for row in rows]),
            label=np.array(label),
            t=t,
            t_sigma=sigma.astype(np.float32),
            attributes=np.concatenate([attributes, told.reshape(-1, len(FEATURES))], 1),
            classes=classes or CLASSES,
            category=np.array(own if classes else label),
        )

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, split: str, source: str | None = None) -> np.ndarray:
        """Return the rows of a split, and of a source, that have a class."""
        found = (self.split == split) & (self.label >= 0)
        return np.flatnonzero(found if source is None else found & (self.source == source))

    def kinds(self) -> dict[str, str]:
        """Return the kinds of input that can be measured here, and the view of each."""
        return {kind: view for kind, view in KINDS.items() if view in self.exact}

    def folded(self, which: str | None) -> Pack:
        """Return the pack with all of val in train but one part: see `splits.fold`."""
        return replace(self, split=fold(self.galaxy, self.split, which), fold=which)

    def without(self, which: str | None) -> Pack:
        """Return the pack with one part of train laid aside: see `training.data.splits.aside`."""
        return replace(self, split=aside(self.galaxy, self.split, which), aside=which)


def pack(
    source: Path,
    folder: Path,
    recipe: Any,
    prepare: Callable[..., Any],
    *,
    simulations: int = 2,
    seed: int = 0,
    every: int = 1,
    threads: int = 2,
    chunk: int = 512,
) -> Pack:
    """Run every picture of a data set through `prepare` in several views.

    Parameters
    ----------
    source : Path
        See `training.data.readers`.
    folder : Path
        Where the arrays go.
    recipe : galedge.Recipe
        The network's own recipe; the packed frame is `WIDER` times as wide
        where the picture reaches that far.
    prepare : callable
        `galedge.prepare`.
    simulations : int
        Simulated linear versions of each picture, in colour and in one band.
    every : int
        Take every n-th picture only.

    Notes
    -----
    A picture that cannot be read stays black, in the split `unreadable`.
    Pictures of one galaxy, by name, position or look, come to lie in one
    split; rows without a split are drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = on_sequence(read(source))
    data = data.take(range(0, len(data.rows), every))
    rows = data.rows
    views = ["auto", "full", "grey"]
    views += [f"{kind}{i}" for kind in ("linear", "mono") for i in range(simulations)]
    side = round(WIDER * recipe.size)

    def create(name: str, *shape: int, dtype: Any = np.uint8) -> np.ndarray:
        return np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (len(rows), *shape))

    still = ("full", "grey")  # evaluated, not augmented
    wide = {name: create(name, 3, side, side) for name in views if name not in still}
    exact = {name: create(f"{name}.exact", 3, recipe.size, recipe.size) for name in views}
    frames = {name: create(f"{name}.frame", 3, dtype=np.float32) for name in wide}
    failed = dict.fromkeys(views, 0)
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(rows), chunk):
            batch = [picture(data, i) for i in range(start, min(start + chunk, len(rows)))]
            here = slice(start, start + len(batch))
            for name in views:
                plan = recipe.replace(framing="full" if name == "full" else "auto")
                images = batch
                if name == "grey":
                    images = [luma(picture) for picture in batch]
                elif name[-1].isdigit():  # a linear image needs no simulation
                    kind = kind_of(name)
                    mono, number = kind == "mono", int(name.removeprefix(kind))
                    keys = [(seed, number, int(mono), start + i) for i in range(len(batch))]
                    images = list(pool.map(lambda x, k, m=mono: linear(x, k, m), batch, keys))
                near = prepare(images, plan, threads=threads)
                exact[name][here] = near.pixels
                failed[name] += sum(fact.error is not None for fact in near.facts)
                if name in wide:
                    plan = plan.replace(size=side, margin=WIDER * recipe.margin)
                    far = prepare(images, plan, threads=threads)
                    wide[name][here] = far.pixels
                    pairs = zip(near.facts, far.facts, strict=True)
                    frames[name][here] = [within(a, b) for a, b in pairs]
            print(f"{start + len(batch)}/{len(rows)}", flush=True)
    labelled = bool(data.classes) or any(row.get("t_type") for row in rows)
    for note in assign(rows, same_galaxy(rows, exact["auto"]), seed, labelled):
        print(note, flush=True)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with open(folder / "labels.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    info = {
        "views": views,
        "recipe": recipe.to_json(),
        "wider": WIDER,
        "source": source.name,
        "classes": data.classes,
        "seed": seed,
        "failed": failed,
    }
    (folder / "pack.json").write_text(json.dumps(info, indent=1))
    return Pack.open(folder)


def kind_of(view: str) -> str:
    """Return the kind of a view, its name without its number: linear of linear12."""
    return view.rstrip("0123456789")


def of_kind(views: Iterable[str], kind: str) -> list[str]:
    """Return the views of a kind."""
    return [view for view in views if kind_of(view) == kind]


def on_sequence(data: DataSet) -> DataSet:
    """Leave out what has a T off the Hubble sequence."""
    given = [row.get("t_type") for row in data.rows]
    return data.take(i for i, t in enumerate(given) if not t or hubble_class(float(t)) >= 0)


def picture(data: DataSet, i: int) -> np.ndarray:
    """Return a picture, or a black one, its row marked, if it cannot be read."""
    try:
        return data.picture(i)
    except (OSError, ValueError, KeyError, GaledgeError) as error:
        print(f"{data.rows[i]['file']}: {error}", flush=True)
        data.rows[i]["split"] = "unreadable"
        return np.zeros((3, 8, 8), np.uint8)


def linear(picture: np.ndarray, key: tuple[int, ...], mono: bool) -> np.ndarray:
    """Return a simulated linear image of a picture; a linear image is its own."""
    if picture.dtype == np.uint8:
        return simulate(picture, key, mono)
    return luma(picture) if mono else picture


def luma(picture: np.ndarray) -> np.ndarray:
    """Return a colour picture in grey (H, W), as an image editor would, or the mean flux."""
    if picture.dtype != np.uint8 or picture.ndim == 2:
        return picture if picture.ndim == 2 else picture.mean(0)
    image = Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
    return np.asarray(image.convert("L"))


def within(near: Any, far: Any) -> tuple[float, float, float]:
    """Return the network's frame inside the packed one: side, and the centre's offset in -1..1."""
    if near.error is not None or far.error is not None:
        return 1.0, 0.0, 0.0
    half = far.side / 2
    return near.side / far.side, (near.x - far.x) / half, (near.y - far.y) / half
