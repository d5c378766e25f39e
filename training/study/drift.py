"""Drift: how soon a night that is not like the others is seen, and how often one that is.

Galaxies are observed by one camera, again by the same camera after something happened to it,
and classified as `galedge classify` would. Nights and references are drawn from these rows, no
galaxy in both.

    python -m training.study.drift FOLDER -o training/results/drift.json
"""

from __future__ import annotations

import csv
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from galedge.answers.classifier import Classifier
from galedge.tables.drift import Monitor
from galedge.tables.reference import APPEARANCE, Reference
from galedge.tables.rows import Cell
from training.data.cameras import Camera
from training.data.exposure import observe

__all__ = ["CHANGES", "main"]

Random = np.random.Generator
Row = dict[str, Cell]
BIAS = 100.0


def _camera(random: Random) -> Camera:
    """Draw what one camera does to one galaxy of one night: they differ in size and brightness."""
    return Camera(
        turn=float(random.uniform(0, 2 * np.pi)),
        mirror=bool(random.random() < 0.5),
        zoom=float(np.exp(random.normal(0, 0.1))),
        shift=tuple(random.normal(0, 0.02, 2).tolist()),
        seeing=float(np.exp(random.normal(np.log(0.03), 0.3))),
        peak=float(np.exp(random.normal(np.log(4000), 1.0))),
        sky=float(400 * np.exp(random.normal(0, 0.15))),
        read=5.0,
        bias=BIAS,
    )


def _amplifier(image: np.ndarray) -> np.ndarray:
    """Return counts as if one half of the chip had a gain that no flat field took out."""
    flat = np.ones(image.shape[-1], np.float32)
    flat[image.shape[-1] // 2 :] = 0.85
    return (image - BIAS) * flat + BIAS


def _vignetted(image: np.ndarray) -> np.ndarray:
    """Return counts as if the flat field had not been divided out: half the light at a corner."""
    y, x = (np.linspace(0, 1, n, dtype=np.float32) for n in image.shape[-2:])
    return (image - BIAS) * (1 - 0.25 * (x**2 + y[:, None] ** 2)) + BIAS


def _same(image: np.ndarray) -> np.ndarray:
    return image


Change = tuple[Callable[[Camera], Camera], Callable[[np.ndarray], np.ndarray]]

CHANGES: dict[str, Change] = {
    "gain x1.5": (lambda c: replace(c, gain=1.5), _same),
    "gain x1.3": (lambda c: replace(c, gain=1.3), _same),
    "one band's gain x0.7": (lambda c: replace(c, mix=((0.7, 0, 0), *c.mix[1:])), _same),
    "seeing x1.5": (lambda c: replace(c, seeing=1.5 * c.seeing), _same),
    "sky x2": (lambda c: replace(c, sky=2 * c.sky), _same),
    "flat: half at 0.85": (lambda c: c, _amplifier),
    "flat: vignetting left in": (lambda c: c, _vignetted),
}
"""What may happen to a camera: to its numbers, and to the counts it writes."""

KNOWN = {
    "files of one galaxy": ("fwhm",),
    "sources of frames": (),
    "files without sky and noise": ("fwhm", "sky", "noise"),
    "answers and flags alone": ("fwhm", "sky", "noise", *APPEARANCE),
}
"""Columns that rows lack, by what they are of."""


def observed(
    files: Sequence[Path], classifier: Classifier, change: Change | None, seed: int
) -> Iterator[Row]:
    """Yield the row of each galaxy through the camera, or through the changed one."""
    from PIL import Image

    from galedge.frames.extended import look

    seen: deque[np.ndarray] = deque()

    def images() -> Iterator[np.ndarray]:
        for number, file in enumerate(files):
            random = np.random.default_rng([seed, number])
            camera = _camera(random)
            spoil = _same
            if change is not None:
                camera, spoil = change[0](camera), change[1]
            picture = np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1)
            image = spoil(observe(np.ascontiguousarray(picture), camera, random))
            seen.append(image.mean(0, dtype=np.float32))
            yield image

    for result in classifier.stream(images()):
        row, light = result.as_row(), seen.popleft()
        noise = np.full(light.shape, result.noise or 1, np.float32)
        centre = (np.array([(n - 1) / 2]) for n in light.shape[::-1])
        found = look(light - np.float32(result.sky or 0), noise, *centre, None)
        width = float(found.fwhm[0])
        yield row | {"fwhm": width if np.isfinite(width) else None}


def alarm(night: Sequence[Row], reference: Reference) -> tuple[int, list[str]]:
    """Return after how many rows something is told, 0: never, and of which columns."""
    monitor = Monitor(reference)
    for row in night:
        if found := monitor.add(row):
            return monitor.rows, [one.column for one in found]
    return 0, []


def without(rows: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    """Return rows without some columns."""
    return [{name: cell for name, cell in row.items() if name not in columns} for row in rows]


def simulate(
    rows: Mapping[str, Sequence[Row]], nights: int, length: int, size: int, seed: int = 5
) -> dict[str, Any]:
    """Return how often nights of `length` have an alarm, and after how many rows.

    Parameters
    ----------
    rows : mapping
        Of the camera as it is, ``""``, and by change those of as many first galaxies.
    nights : int
        Of the camera as it is; of each change a tenth.
    size : int
        Rows of the reference.
    """
    random = np.random.default_rng(seed)
    usual = rows[""]
    told: dict[str, Any] = {}
    for change, its in rows.items():
        number = nights if not change else max(1, nights // 10)
        alarms: list[int] = []
        columns: dict[str, int] = {}
        for _ in range(number):
            order = random.permutation(len(usual))
            if change:
                tonight = random.permutation(len(its))[:length]
                order = order[~np.isin(order, tonight)]
                night = [its[i] for i in tonight]
            else:
                night = [usual[i] for i in order[:length]]
                order = order[length:]
            reference = Reference.of_rows("usual", [usual[i] for i in order[:size]])
            after, seen = alarm(night, reference)
            alarms.append(after)
            for column in seen:
                columns[column] = columns.get(column, 0) + 1
        found = np.array(alarms)
        told[change or "no change"] = {
            "nights": number,
            "alarm": round(float((found > 0).mean()), 4),
            "within_100": round(float(((found > 0) & (found <= 100)).mean()), 4),
            "median_rows": float(np.median(found[found > 0])) if found.any() else None,
            "first_columns": dict(sorted(columns.items(), key=lambda item: -item[1])[:5]),
        }
    return told


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--model", default="hubble-2", show_default=True)
@click.option("--galaxies", default=1400, show_default=True)
@click.option("--changed", default=600, show_default=True, help="Of them, by each change.")
@click.option("--nights", default=2000, show_default=True)
@click.option("--length", default=400, show_default=True, help="Galaxies of a night.")
@click.option("--size", default=900, show_default=True, help="Of the reference.")
@click.option("--keep", type=click.Path(dir_okay=False, path_type=Path), help="Rows, once made.")
def main(
    folder: Path,
    output: Path,
    model: str,
    galaxies: int,
    changed: int,
    nights: int,
    length: int,
    size: int,
    keep: Path | None,
) -> None:
    """Simulate nights of the galaxies that FOLDER's labels.csv lists as not trained on."""
    with (folder / "labels.csv").open() as file:
        listed = list(csv.DictReader(file))
    known = [row for row in listed if row["split"] != "train"]
    if len(known) < galaxies:
        raise click.ClickException(f"{folder}: has {len(known)} galaxies of val and test")
    np.random.default_rng(0).shuffle(known)  # type: ignore[arg-type]
    files = [folder / row["file"] for row in known[:galaxies]]
    if keep and keep.exists():
        rows = json.loads(keep.read_text())
    else:
        classifier = Classifier(model, workers=1)
        rows = {"": list(observed(files, classifier, None, 1))}
        for change, how in CHANGES.items():
            rows[change] = list(observed(files[:changed], classifier, how, 2))
            click.echo(f"{change}: {len(rows[change])} galaxies observed", err=True)
        if keep:
            keep.write_text(json.dumps(rows))
    start = time.perf_counter()
    told: dict[str, Any] = {"model": model, "night": length, "reference": size}
    for of, lacks in KNOWN.items():
        told[of] = simulate(
            {change: without(its, lacks) for change, its in rows.items()}, nights, length, size
        )
        output.write_text(json.dumps(told, indent=1) + "\n")
        for change, row in told[of].items():
            click.echo(f"{of:28} {change:26} {row}")
    click.echo(f"{time.perf_counter() - start:.0f} s", err=True)


if __name__ == "__main__":
    main()
