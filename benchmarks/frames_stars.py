"""Which sources of a frame are stars: the frame's point spread function against a survey's list.

    python frames_stars.py FRAME.fits LIST.csv -o results/frames_stars.json

The list has columns ra and dec, or x and y from zero, `star` (1 or 0), and perhaps `mag` and
`r50`, the half-light radius in pixels. Several frames, as of other bands, take one list of
celestial coordinates.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe
from numpy.typing import NDArray

from galedge.frames.frame import Frame
from galedge.frames.points import Points
from galedge.frames.sources import Sources
from galedge.tuning.worth import roc_area

MAGNITUDES = (0, 18, 19, 20, 20.5, 21, 21.5, 22, 30)
RADII = (0, 1.2, 1.5, 2.0, 2.5, 4.0, 99)


def measured(resolved: NDArray[Any], galaxy: NDArray[np.bool_]) -> dict[str, float | int | None]:
    """Return how far galaxies and stars are told apart at 0.5; not a number counts as resolved."""
    score = np.nan_to_num(resolved, nan=0.5)
    called = score >= 0.5
    both = galaxy.any() and not galaxy.all()
    return {
        "galaxies": int(galaxy.sum()),
        "stars": int((~galaxy).sum()),
        "roc_area": roc_area(galaxy, score) if both else None,
        "galaxies_kept": float(called[galaxy].mean()) if galaxy.any() else None,
        "stars_called_galaxies": float(called[~galaxy].mean()) if not galaxy.all() else None,
        "unknown": int(np.isnan(resolved).sum()),
    }


def report(path: str, rows: dict[str, NDArray[np.float64]], limit: float) -> dict[str, Any]:
    """Compare one frame with the list."""
    frame = Frame(path)
    if "x" in rows:
        x, y = rows["x"], rows["y"]
    else:
        sky = frame.celestial()
        assert sky is not None, "the frame has no celestial coordinates"
        x, y = sky.sky_to_pixels(rows["ra"], rows["dec"])
    n = len(x)
    points = Points(frame, Sources(x, y, np.full(n, np.nan), np.ones(n, bool), [None] * n))
    assert points.psf is not None, "the frame has too few stars"
    cells = [points.cells(i)["extendedness"] for i in range(n)]
    resolved = np.array([np.nan if cell is None else cell for cell in cells], np.float64)
    galaxy = rows["star"] == 0
    found: dict[str, Any] = {
        "frame": Path(path).name,
        "psf": {"fwhm": points.psf.fwhm, "stars": points.psf.stars, "terms": len(points.psf.terms)},
        "all": measured(resolved, galaxy),
    }
    bright = np.ones(n, bool)
    if "mag" in rows:
        bright = rows["mag"] < limit
        found[f"brighter than {limit:g}"] = measured(resolved[bright], galaxy[bright])
        found["by magnitude"] = _parts(rows["mag"], MAGNITUDES, resolved, galaxy)
    if "r50" in rows:
        parts = rows["r50"][bright], RADII, resolved[bright], galaxy[bright]
        found[f"by half-light radius, brighter than {limit:g}"] = _parts(*parts)
    return found


def _parts(
    value: NDArray[np.float64],
    edges: tuple[float, ...],
    resolved: NDArray[np.float64],
    galaxy: NDArray[np.bool_],
) -> dict[str, Any]:
    parts = {}
    for low, high in itertools.pairwise(edges):
        inside = (value >= low) & (value < high)
        if inside.any():
            parts[f"{low:g} to {high:g}"] = measured(resolved[inside], galaxy[inside])
    return parts


def show(found: dict[str, Any]) -> None:
    """Print a frame's table."""
    psf = found["psf"]
    print(f"{found['frame']}: FWHM {psf['fwhm']:.2f} pixels of {psf['stars']} stars\n")
    print("| | galaxies | stars | ROC area | galaxies kept | stars called galaxies |")
    print("|---|---|---|---|---|---|")
    for name, one in found.items():
        if name in ("frame", "psf"):
            continue
        rows = {name: one} if "stars" in one else {f"{name}, {k}": v for k, v in one.items()}
        for title, row in rows.items():
            area = "" if row["roc_area"] is None else f"{row['roc_area']:.3f}"
            shares = [row["galaxies_kept"], row["stars_called_galaxies"]]
            texts = ["" if share is None else f"{100 * share:.1f} %" for share in shares]
            cells = [title, str(row["galaxies"]), str(row["stars"]), area, *texts]
            print(f"| {' | '.join(cells)} |")
    print()


def main() -> None:
    """Read the list, look at the frames, print and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", nargs="+", metavar="FRAME.fits")
    parser.add_argument("list", metavar="LIST.csv")
    parser.add_argument("--limit", type=float, default=21.0, help="magnitude to trust the list to")
    parser.add_argument("-o", "--output", help="write JSON here")
    options = parser.parse_args()
    with open(options.list, newline="") as file:
        lines = list(csv.DictReader(file))
    rows = {name: np.array([float(line[name]) for line in lines]) for name in lines[0]}
    found = [report(path, rows, options.limit) for path in options.frames]
    for one in found:
        show(one)
    if options.output:
        text = json.dumps({"machine": describe("numpy"), "frames": found}, indent=1)
        Path(options.output).write_text(f"{text}\n")


if __name__ == "__main__":
    main()
