"""A gallery: one HTML page of thumbnails that needs neither network nor other files.

The page is `gallery.html` with the data written into its middle, a sheet of
thumbnails and their rows at a time, so that memory stays flat. Data are JSON that
cannot end their element, the page's script only ever sets text, and a content
security policy by hashes lets no other script run, whatever a header says.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from galedge._version import __version__
from galedge.support.atomic import AtomicFile
from galedge.tables.catalog import utc_now
from galedge.tables.cells import plain, rounded, visible
from galedge.tables.columns import Column, known

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Gallery"]

_ACROSS = 8  # thumbnails in a row of a sheet, and rows; sorted, a screen needs many sheets
_SIDE = 64  # pixels of a thumbnail, at most
_QUALITY = 88

# The same for all rows: told once.
_PROVENANCE = ("model", "model_sha256", "engine", "precision", "recipe_sha256", "version")


class Gallery:
    """Writes a page; leaving its ``with`` block completes it, an error discards it.

    Parameters
    ----------
    path : str or path
        Appears, or is replaced, when the page is complete.
    columns : sequence of str or Column
        What rows hold, as for `galedge.tables.catalog.open_table`.
    about : mapping of str to str, optional
        What makes the page, such as ``command`` and ``model``.

    Raises
    ------
    OutputError
        If the file cannot be made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: Sequence[str | Column],
        about: Mapping[str, str] | None = None,
    ) -> None:
        self._columns = [each for each in known(columns) if each.name not in _PROVENANCE]
        self._about: dict[str, str | int] = {"creator": f"galedge {__version__}", **(about or {})}
        self._about["started"] = utc_now()
        self._rows: list[list[Any]] = []
        self._tiles: list[NDArray[np.uint8] | None] = []
        self._count = self._rejected = 0
        head, self._tail = _template()
        self._target = AtomicFile(path)
        try:
            self._write(head)
        except BaseException:
            self._target.discard()
            raise

    def add(
        self, row: Mapping[str, Any], pixels: NDArray[np.uint8] | None, upwards: bool = False
    ) -> None:
        """Add a galaxy.

        Parameters
        ----------
        row : mapping
            Its row of the table.
        pixels : ndarray of uint8, shape (3, S, S), or None
            What the network saw.
        upwards : bool
            Whether the first row of `pixels` is the lowest, as in FITS.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self._rows.append([_cell(row[each.name], each.digits) for each in self._columns])
        self._tiles.append(None if pixels is None else _tile(pixels, upwards))
        self._count += 1
        self._rejected += row.get("status") == "error"
        if len(self._rows) == _ACROSS**2:
            self._put()

    def _put(self) -> None:
        """Write the rows that wait, and their thumbnails."""
        rows, sheet = _json(self._rows), _sheet(self._tiles)
        self._write(f'<script type="application/json" class="rows">{rows}</script>\n')
        self._write(f'<script type="text/plain" class="sheet">{sheet}</script>\n')
        self._rows.clear()
        self._tiles.clear()

    def _write(self, text: str) -> None:
        try:
            self._target.file.write(text.encode())
        except OSError as error:
            raise self._target.failure(error) from error

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
                self._target.complete()
        finally:
            self._target.discard()

    def _finish(self) -> None:
        if self._rows:
            self._put()
        self._about |= {"finished": utc_now(), "rows": self._count, "rejected": self._rejected}
        page = {
            "across": _ACROSS,
            "about": {name: _cell(value, None) for name, value in self._about.items()},
            "classes": self._classes(),
            "columns": [
                {
                    "name": visible(each.name),
                    "unit": each.unit,
                    "description": visible(each.description),
                    "role": each.role,
                    "symbol": visible(each.symbol or each.name),
                }
                for each in self._columns
            ],
        }
        self._write(f'<script type="application/json" id="page">{_json(page)}</script>\n')
        self._write(self._tail)

    def _classes(self) -> list[str]:
        """Return the classes that the column `label` may name."""
        names = [each.name for each in self._columns]
        if "label" not in names:
            return []
        classes = []
        for each in self._columns[names.index("label") + 1 :]:
            if each.role not in ("probability", "class"):
                break
            classes += [visible(each.symbol)] * (each.role == "class")
        return classes


def _cell(value: Any, digits: str | None) -> Any:
    value = rounded(plain(value), digits)
    return visible(value) if isinstance(value, str) else value


def _json(value: Any) -> str:
    """Return JSON in ASCII that no HTML parser takes for a tag."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _tile(pixels: NDArray[np.uint8], upwards: bool) -> NDArray[np.uint8]:
    """Return a thumbnail as viewers show it, shape (side, side, 3)."""
    shown = pixels.transpose(1, 2, 0)
    if upwards:
        shown = shown[::-1]
    if len(shown) > _SIDE:
        from PIL import Image

        small = Image.fromarray(np.ascontiguousarray(shown))
        return np.asarray(small.resize((_SIDE, _SIDE), Image.Resampling.BOX))
    return shown.copy()


def _sheet(tiles: Sequence[NDArray[np.uint8] | None]) -> str:
    """Return thumbnails side by side, as an image in base64; empty if there is none."""
    from PIL import Image

    side = max((len(tile) for tile in tiles if tile is not None), default=0)
    if not side:
        return ""
    sheet = np.zeros((-(-len(tiles) // _ACROSS) * side, _ACROSS * side, 3), np.uint8)
    for at, tile in enumerate(tiles):
        if tile is not None:
            y, x = at // _ACROSS * side, at % _ACROSS * side
            sheet[y : y + len(tile), x : x + len(tile)] = tile
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _template() -> tuple[str, str]:
    """Return what stands before and after the data."""
    page = resources.files("galedge.tables").joinpath("gallery.html").read_text("utf-8")
    hashes = {
        kind: base64.b64encode(
            hashlib.sha256(re.search(f"<{kind}>(.*?)</{kind}>", page, re.S)[1].encode()).digest()  # type: ignore[index]
        ).decode()
        for kind in ("style", "script")
    }
    policy = "default-src 'none'; img-src blob:; base-uri 'none'; form-action 'none'"
    policy += "".join(f"; {kind}-src 'sha256-{value}'" for kind, value in hashes.items())
    head, tail = page.replace("POLICY", policy, 1).split("<!-- data -->\n")
    return head, tail
