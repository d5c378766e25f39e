"""Compare the pixels of a folder of FITS files with astropy's.

    python benchmarks/fits_parity.py FOLDER

reads every image HDU below FOLDER with galedge and with astropy, compares all
pixels bit for bit as float32 (any NaN equals any NaN), and prints JSON: how
many HDUs agree, differ, or could be read by only one of the two. A file
MANIFEST.json with sums per HDU (``file``, ``hdus``: ``i``, ``shape``, ``nan``,
``sum``, ``min``, ``max``) is compared too where the folder has one. The exit
code is 1 if anything differs.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from galedge.errors import ReadError
from galedge.images.image import read


def by_astropy(path: Path) -> dict[int, np.ndarray | None]:
    """Images of two or more axes; None where astropy cannot read one it sees."""
    found: dict[int, np.ndarray | None] = {}
    with fits.open(path) as hdus:
        for number, hdu in enumerate(hdus):
            try:
                if hdu.is_image and len(hdu.shape) >= 2 and hdu.data is not None and hdu.data.size:
                    found[number] = hdu.data.astype(np.float32)
            except Exception:
                found[number] = None
    return found


def same(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Equal bits, NaN where NaN."""
    theirs = theirs.reshape(ours.shape) if theirs.size == ours.size else theirs
    return bool(
        ours.shape == theirs.shape
        and np.array_equal(np.isnan(ours), np.isnan(theirs))
        and np.array_equal(
            np.nan_to_num(ours, nan=0).view(np.uint32), np.nan_to_num(theirs, nan=0).view(np.uint32)
        )
    )


def compare(path: Path, outcomes: Counter[str], notes: list[str]) -> None:
    """Every image of one file."""
    try:
        images = by_astropy(path)
    except Exception as error:
        images = {}
        outcomes["files astropy cannot open"] += 1
        notes.append(f"{path}: astropy: {error}")
    if not images:
        try:
            read(path)
            outcomes["only galedge reads"] += 1
            notes.append(f"{path}: only galedge reads an image")
        except ReadError as error:
            outcomes["no image for either"] += 1
            if "no image in the file" not in str(error):
                notes.append(str(error))
    for number, theirs in images.items():
        try:
            ours = read(path, number, "float32").data
        except ReadError as error:
            outcomes["neither reads" if theirs is None else "only astropy reads"] += 1
            notes.append(f"HDU {number}: {error}")
            continue
        if theirs is None:
            outcomes["only galedge reads"] += 1
        elif same(ours, theirs):
            outcomes["equal"] += 1
        else:
            outcomes["different"] += 1
            notes.append(f"{path} HDU {number}: different")


def against_manifest(
    folder: Path, manifest: list[dict[str, Any]], notes: list[str]
) -> Counter[str]:
    """Compare with sums that others computed, in double precision."""
    outcomes: Counter[str] = Counter()
    for entry in manifest:
        for hdu in entry["hdus"]:
            if len(hdu.get("shape") or ()) < 2 or "sum" not in hdu:
                continue
            try:
                data = read(folder / entry["file"], hdu["i"], "float64").data
            except ReadError as error:
                outcomes["not read"] += 1
                notes.append(f"manifest: {error}")
                continue
            finite = data[np.isfinite(data)]
            total, low, high = (hdu[k] for k in ("sum", "min", "max"))
            good = np.isnan(data).sum() == hdu["nan"] and (
                total is None
                or not finite.size
                or (
                    np.isclose(finite.sum(), total, rtol=1e-6, atol=1e-6 * np.abs(finite).sum())
                    and np.isclose(finite.min(), low, rtol=1e-6)
                    and np.isclose(finite.max(), high, rtol=1e-6)
                )
            )
            outcomes["agrees" if good else "disagrees"] += 1
            if not good:
                notes.append(f"manifest: {entry['file']} HDU {hdu['i']}: disagrees")
    return outcomes


def main() -> int:
    """Compare and report."""
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    outcomes: Counter[str] = Counter()
    notes: list[str] = []
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in (".csv", ".json", ".txt", ".md", ".py")
    ]
    for path in files:
        compare(path, outcomes, notes)
    figures: dict[str, Any] = {"files": len(files), "image_hdus": dict(outcomes.most_common())}
    manifest = folder / "MANIFEST.json"
    sums: Counter[str] = Counter()
    if manifest.is_file():
        sums = against_manifest(folder, json.loads(manifest.read_text()), notes)
        figures["manifest"] = dict(sums.most_common())
    print(json.dumps({**figures, "notes": notes}, indent=1))
    return int(bool(outcomes["different"] or outcomes["only astropy reads"] or sums["disagrees"]))


if __name__ == "__main__":
    sys.exit(main())
