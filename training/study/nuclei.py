"""Nuclei: how well the share of a point is measured, and how often there seems to be one.

Galaxies are rendered with and without points, half of them made uneven by real galaxies, and
seen through five seeings. Also: what becomes of a point spread function that is not exact, and
of real galaxies that are blurred, to which points are added.

    python -m training.study.nuclei FOLDER -o training/results/nuclei.json
"""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click
import numpy as np
from numpy.typing import NDArray

from galedge.answers.mixtures import Point, of_point
from galedge.answers.nucleus import POINT
from galedge.answers.structure import structure
from galedge.frames.given import told
from training.study.nucleated import (
    SEEINGS,
    Galaxy,
    Texture,
    blurred,
    draw,
    linear,
    render,
    textures,
)

__all__ = ["main"]

Doubles: TypeAlias = NDArray[np.float64]

RESOLUTIONS = (0, 1, 1.5, 2, 3, 4, 99)  # half-light radius of the galaxy, in FWHM
BULGES = (0, 0.15, 0.25, 0.5, 1, 2, 99)  # effective radius of the bulge, in FWHM
SHARES = (0, 1e-9, 0.1, 0.2, 0.3, 0.4, 0.5)
_SIDE = 128  # of a real galaxy

WRONG: dict[str, Callable[[Galaxy, Doubles], Point]] = {
    "as it is": lambda galaxy, point: of_point(point),
    "--fwhm, and its profile is Moffat's of 3": lambda galaxy, point: told(galaxy.seeing),
    "--fwhm 5 % too narrow": lambda galaxy, point: told(0.95 * galaxy.seeing),
    "--fwhm 5 % too wide": lambda galaxy, point: told(1.05 * galaxy.seeing),
    "--fwhm 10 % too narrow": lambda galaxy, point: told(0.9 * galaxy.seeing),
}
"""Point spread functions that one may believe in."""

Row = tuple[Galaxy, float, float, bool]
"""A galaxy, what was found of its share with its error, and whether it was flagged."""


def measured(galaxy: Galaxy, image: Doubles, point: Point) -> Row:
    found = structure(image, psf=point)
    return galaxy, found.point_fraction, found.point_fraction_error, POINT in found.flags


def simulate(
    number: int, seed: int, uneven: Sequence[Texture], how: str, share: float | None = None
) -> list[Row]:
    """Measure rendered galaxies; every other one is uneven."""
    rows = []
    for i in range(number):
        random = np.random.default_rng([seed, i])
        galaxy = draw(random, share)
        image, point = render(galaxy, random, uneven[i // 2 % len(uneven)] if i % 2 else None)
        rows.append(measured(galaxy, image, WRONG[how](galaxy, point)))
    return rows


def worth(rows: Sequence[Row]) -> dict[str, Any]:
    """Return how near the answers are, and how often points and others are flagged."""
    told = [row for row in rows if math.isfinite(row[1])]
    if not told:
        return {"galaxies": len(rows), "answers": 0}
    truth = np.array([row[0].share for row in told])
    off = np.array([row[1] for row in told]) - truth
    error = np.array([row[2] for row in told])
    points = [row[3] for row in rows if row[0].share >= 0.1]
    none = [row[3] for row in rows if row[0].share == 0]
    return {
        "galaxies": len(rows),
        "answers": len(told),
        "rmse": round(float(np.sqrt(np.mean(off**2))), 4),
        "bias": round(float(off.mean()), 4),
        "bias_error": round(float(off.std() / math.sqrt(len(off))), 4),
        "error": round(float(np.median(error)), 4),
        "within_one_error": round(float(np.mean(np.abs(off) < error)), 3),
        "pull": round(float(np.sqrt(np.mean((off / error) ** 2))), 3),
        "flagged_of_0.1_and_more": round(float(np.mean(points)), 4) if points else None,
        "flagged_of_none": round(float(np.mean(none)), 4) if none else None,
        "none": len(none),
    }


def by(
    rows: Sequence[Row], of: Callable[[Galaxy], float], edges: Sequence[float]
) -> dict[str, Any]:
    """Return the worth of rows by bins of something."""
    told = {}
    for low, high in itertools.pairwise(edges):
        some = [row for row in rows if low <= of(row[0]) < high]
        if some:
            told[f"{low:g}-{high:g}"] = worth(some)
    return told


def real(pictures: Sequence[Doubles], seed: int) -> dict[str, Any]:
    """Measure real galaxies, blurred, with a point added and without.

    What their own nuclei are nobody knows: the share that is found with the point is compared
    with what is found without it and the point's.
    """
    off, errors, flagged, found_flag, shares = [], [], [], [], []
    for i, light in enumerate(pictures):
        random = np.random.default_rng([seed, i])
        galaxy = draw(random, float(random.uniform(0.1, 0.5)))
        noise = random.normal(size=(_SIDE, _SIDE))
        image, point, spread = blurred(light, galaxy, _SIDE, random)
        total = galaxy.snr * math.sqrt(math.pi) * 1.5 * (_SIDE / 8)
        psf = of_point(point)
        before = measured(galaxy, 100 + total * image + noise, psf)
        both = (1 - galaxy.share) * image + galaxy.share * spread
        after = measured(galaxy, 100 + total * both + noise, psf)
        if math.isfinite(before[1]) and math.isfinite(after[1]):
            expected = galaxy.share + (1 - galaxy.share) * before[1]
            off.append(after[1] - expected)
            errors.append(after[2])
            shares.append(before[1])
            flagged.append(before[3])
            found_flag.append(after[3])
    away = np.array(off)
    return {
        "galaxies": len(pictures),
        "answers": len(off),
        "rmse": round(float(np.sqrt(np.mean(away**2))), 4),
        "bias": round(float(away.mean()), 4),
        "error": round(float(np.median(errors)), 4),
        "share_without_the_point": [
            round(float(q), 4) for q in np.quantile(shares, (0.1, 0.5, 0.9))
        ],
        "flagged_without_the_point": round(float(np.mean(flagged)), 4),
        "flagged_with_it": round(float(np.mean(found_flag)), 4),
    }


def _pictures(folder: Path, number: int) -> list[NDArray[np.uint8]]:
    """Return galaxies of disks that no model is judged by, of EFIGI."""
    from PIL import Image

    with (folder / "labels.csv").open() as file:
        listed = [row for row in csv.DictReader(file) if row["source"] == "efigi"]
    some = [row for row in listed if row["split"] == "train" and float(row["t_type"]) > -1]
    np.random.default_rng(0).shuffle(some)  # type: ignore[arg-type]
    return [np.asarray(Image.open(folder / row["file"]).convert("RGB")) for row in some[:number]]


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--galaxies", default=2000, show_default=True)
@click.option("--pictures", default=120, show_default=True, help="Of real galaxies.")
def main(folder: Path, output: Path, galaxies: int, pictures: int) -> None:
    """Measure points in rendered galaxies, and in those of FOLDER's labels.csv."""
    every = _pictures(folder, pictures)
    uneven = textures(every[: pictures // 2])
    rows = simulate(galaxies, 1, uneven, "as it is")
    told: dict[str, Any] = {
        "seeings": SEEINGS,
        "textures": len(uneven),
        "all": worth(rows),
        "smooth": worth(rows[::2]),
        "uneven": worth(rows[1::2]),
        "by seeing, FWHM in pixels": by(rows, lambda g: g.seeing, (*SEEINGS, 99)),
        "by resolution, half-light radius over FWHM": by(
            rows, lambda g: g.radius / g.seeing, RESOLUTIONS
        ),
        "by bulge, effective radius over FWHM": by(
            [row for row in rows if row[0].bulge > 0], lambda g: g.bulge_radius / g.seeing, BULGES
        ),
        "no bulge": worth([row for row in rows if row[0].bulge == 0]),
        "by share": by(rows, lambda g: g.share, SHARES),
        "by signal to noise": by(rows, lambda g: g.snr, (30, 60, 120, 250, 501)),
    }
    output.write_text(json.dumps(told, indent=1) + "\n")
    none = simulate(galaxies // 2, 2, uneven, "as it is", 0.0)
    told["without a point, another sample"] = worth(none)
    told["real galaxies, blurred"] = real([linear(one) for one in every[pictures // 2 :]], 4)
    output.write_text(json.dumps(told, indent=1) + "\n")
    told["by what is believed of the point"] = {
        how: worth(simulate(galaxies // 5, 3, uneven, how)) for how in WRONG
    }
    output.write_text(json.dumps(told, indent=1) + "\n")
    click.echo(json.dumps(told["all"]))


if __name__ == "__main__":
    main()
