"""Pack: labelled pictures, packed once through galedge's own `prepare`.

`training.data.readers` lists the forms of a data set. `pack` writes a folder of
memory-mapped arrays, by view:

=========== =================================================================
auto        framed on the central source
full        the whole picture
grey        the colour picture turned grey, framed
linear0, .. simulated linear colour images (see `simulate`), framed
mono0, ..   the same in one band
clean, ..   through each of `training.data.cameras.FIXED`, framed; val and test only
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
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from galedge.errors import GaledgeError
from training.data.cameras import FIXED
from training.data.observed import observed
from training.data.pictures import Pictures
from training.data.pose import kinds, pose, within_range
from training.data.readers import DataSet, pictures, read
from training.data.simulate import STRETCHED, UNSTRETCHED, linear, luma, restored
from training.data.splits import Beside, as_beside, assign, same_galaxy
from training.words.derive import of_classes
from training.words.fields import TaskError
from training.words.hubble import HUBBLE
from training.words.targets import hard, targets, weights
from training.words.task import Task

__all__ = [
    "KINDS",
    "WIDER",
    "Pack",
    "kind_of",
    "luma",
    "of_kind",
    "pack",
    "pictures",
]

# The kinds of input that are measured, and the packed view of each.
KINDS = {"colour": "auto", "grey": "grey", "linear": "linear0", "mono": "mono0"}
WIDER = 1.25  # side of a packed frame over the network's


@dataclass
class Pack:
    """A packed data set; arrays run over pictures and `views` are memory-mapped.

    `task` is the one that its labels are read for, the pack's own unless it was opened for
    another, `told` what they tell of each of its heads (see `training.words.targets`), and
    `weight` how much that counts, where it does not count alike. `pictures` are the pixels as
    they came (`training.data.pictures.Pictures`), where they were kept.
    """

    folder: Path
    info: dict[str, Any]
    file: np.ndarray
    galaxy: np.ndarray
    source: np.ndarray
    split: np.ndarray
    task: Task
    told: dict[str, np.ndarray]
    views: dict[str, np.ndarray] = field(default_factory=dict)
    exact: dict[str, np.ndarray] = field(default_factory=dict)
    frames: dict[str, np.ndarray] = field(default_factory=dict)
    weight: dict[str, np.ndarray] = field(default_factory=dict)
    pictures: Any = None

    @classmethod
    def open(cls, folder: Path, task: Task | None = None, *, strict: bool = True) -> Pack:
        """Open what `pack` wrote.

        Parameters
        ----------
        task : Task, optional
            To read its labels for. Default: its own.
        strict : bool
            Whether a class that the task does not know is an error; else it tells nothing, as
            of pictures that were packed for another task.

        Raises
        ------
        TaskError
            If the labels are none of the task's.
        """
        folder = Path(folder)
        info = json.loads((folder / "pack.json").read_text())
        rows = rows_of(folder)

        def arrays(kind: str) -> dict[str, np.ndarray]:
            paths = {name: folder / f"{name}{kind}.npy" for name in info["views"]}
            return {name: np.load(p, mmap_mode="r") for name, p in paths.items() if p.exists()}

        task = task or own_task(info)
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
            task=task,
            told=targets(task, rows, strict=strict),
            weight=weights(task, rows),
            pictures=Pictures(folder) if Pictures.there(folder) else None,
        )

    def __len__(self) -> int:
        return len(self.file)

    @cached_property
    def known(self) -> np.ndarray:
        """Which pictures are labelled, by any of the task's `main` heads (N,)."""
        told = [np.isfinite(self.told[head.name]).any(1) for head in self.task.main]
        return np.logical_or.reduce(told)

    @cached_property
    def label(self) -> np.ndarray:
        """Class of each picture (N,), -1 where unknown, and where the task has no classes."""
        head = self.task.classes
        return np.full(len(self), -1) if head is None else hard(self.told[head.name])

    def demand(self, split: str) -> np.ndarray:
        """Return the labelled rows of a split that something depends on.

        Raises
        ------
        TaskError
            If there are none.
        """
        rows = self.rows(split)
        if not self.known.any():
            own = own_task(self.info).name
            raise TaskError(
                f"{self.folder}: tells nothing of what task {self.task.name!r} asks for; it was "
                f"packed for {own!r}"
            )
        if not len(rows):
            raise TaskError(
                f"{self.folder}: no labelled picture is in the {split} split; pack more, or give "
                "them a column `split`"
            )
        return rows

    def rows(self, split: str, source: str | None = None) -> np.ndarray:
        """Return the labelled rows of a split, and of a source."""
        found = (self.split == split) & self.known
        return np.flatnonzero(found if source is None else found & (self.source == source))

    def kinds(self, *, cameras: bool = True) -> dict[str, str]:
        """Return the kinds of input that can be measured here, and the view of each.

        Each camera is one, unless they are left out: of train they have no pictures.
        """
        found = {kind: view for kind, view in KINDS.items() if view in self.exact}
        return found | {name: name for name in self.cameras} if cameras else found

    @property
    def cameras(self) -> tuple[str, ...]:
        """The fixed cameras that val and test were packed through."""
        return tuple(name for name in FIXED if name in self.exact)


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a pack's labels.csv."""
    with open(folder / "labels.csv", newline="") as file:
        return list(csv.DictReader(file))


def own_task(info: dict[str, Any]) -> Task:
    """Return the task that a pack was made for; those without one are from before there were."""
    if "task" in info:
        return Task.from_json(info["task"])
    classes = tuple(info.get("classes") or ())
    return of_classes(info["source"], classes, "class") if classes else HUBBLE


def pack(
    source: Path,
    folder: Path,
    recipe: Any,
    prepare: Callable[..., Any],
    *,
    task: Task | None = None,
    column: str | None = None,
    simulations: int = 2,
    cameras: bool = False,
    keep: bool = False,
    beside: tuple[Path, ...] = (),
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
    task, column : optional
        What is asked of it, see `training.data.pose`.
    simulations : int
        Simulated linear versions of each picture, in colour and in one band.
    cameras : bool
        Whether val and test are packed through the fixed cameras, too (`observed`).
    keep : bool
        Whether the pictures are kept as they came, too, for training through cameras.
    beside : tuple of Path
        Packs whose galaxies have their split there: see `training.data.splits.as_beside`.
    every : int
        Take every n-th picture only.

    Notes
    -----
    A picture that cannot be read stays black, in the split `unreadable`.
    Pictures of one galaxy, by name, position or look, come to lie in one
    split; rows without a split are drawn.

    Raises
    ------
    TaskError
        If the data set does not hold what the task asks for.
    """
    data = read(source)
    task = pose(data, task, column, source)
    data = within_range(data, task)
    data = data.take(range(0, len(data.rows), every))
    rows = data.rows
    told = targets(task, rows)  # before hours of preparing
    folder.mkdir(parents=True, exist_ok=True)
    views = ["auto", "full", "grey"]
    views += [f"{kind}{i}" for kind in ("linear", "mono") for i in range(simulations)]
    side = round(WIDER * recipe.size)

    def create(name: str, *shape: int, dtype: Any = np.uint8) -> np.ndarray:
        return np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (len(rows), *shape))

    strength = UNSTRETCHED if data.flux else STRETCHED
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
                plan = recipe.replace(framing="full") if name == "full" else recipe
                images = batch
                if data.flux:
                    images = [restored(p, (seed, start + i)) for i, p in enumerate(batch)]
                if name == "grey":
                    images = [luma(picture) for picture in images]
                elif name[-1].isdigit():  # a linear image needs no simulation
                    kind = kind_of(name)
                    mono, number = kind == "mono", int(name.removeprefix(kind))
                    keys = [(seed, number, int(mono), start + i) for i in range(len(batch))]
                    images = list(
                        pool.map(lambda x, k, m=mono: linear(x, k, m, strength), batch, keys)
                    )
                near = prepare(images, plan, threads=threads)
                exact[name][here] = near.pixels
                failed[name] += sum(fact.error is not None for fact in near.facts)
                if name in wide:
                    plan = wider(recipe, side)
                    far = prepare(images, plan, threads=threads)
                    wide[name][here] = far.pixels
                    pairs = zip(near.facts, far.facts, strict=True)
                    frames[name][here] = [within(a, b) for a, b in pairs]
            print(f"{start + len(batch)}/{len(rows)}", flush=True)
    others = [Beside(str(f), rows_of(f), Pack.open(f, strict=False).exact["auto"]) for f in beside]
    for note in as_beside(rows, wide["auto"], others, recipe.size):
        print(note, flush=True)
    if keep:
        Pictures.write(folder, (picture(data, i) for i in range(len(rows))))
    group = same_galaxy(rows, exact["auto"])
    for note in assign(rows, group, seed, kinds(task, told)):
        print(note, flush=True)
    if cameras:
        held = [i for i, row in enumerate(rows) if row.get("split") in ("val", "test")]
        failed |= observed(data, held, folder, recipe, prepare, seed=seed, threads=threads)
        views += FIXED
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
        "task": task.to_json(),
        "seed": seed,
        "flux": data.flux,
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


def picture(data: DataSet, i: int) -> np.ndarray:
    """Return a picture, or a black one, its row marked, if it cannot be read."""
    try:
        return data.picture(i)
    except (OSError, ValueError, KeyError, GaledgeError) as error:
        print(f"{data.rows[i]['file']}: {error}", flush=True)
        data.rows[i]["split"] = "unreadable"
        return np.zeros((3, 8, 8), np.uint8)


def wider(recipe: Any, side: int) -> Any:
    """Return a recipe of a frame that is `WIDER` times as wide, of `side` pixels."""
    if isinstance(recipe.framing, int):
        return recipe.replace(size=side, framing=round(WIDER * recipe.framing))
    return recipe.replace(size=side, margin=WIDER * recipe.margin)


def within(near: Any, far: Any) -> tuple[float, float, float]:
    """Return the network's frame inside the packed one: side, and the centre's offset in -1..1."""
    if near.error is not None or far.error is not None:
        return 1.0, 0.0, 0.0
    half = far.side / 2
    return near.side / far.side, (near.x - far.x) / half, (near.y - far.y) / half
