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
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import resources
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from galedge.support.atomic import AtomicFile
from galedge.tables.catalog import finished, utc_now
from galedge.tables.cells import plain, rounded, visible
from galedge.tables.columns import Column, known

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Gallery"]

_ACROSS = 8  # thumbnails in a row of a sheet, and rows; sorted, a screen needs many sheets
_QUALITY = 88
_PAGE = b'<script type="application/json" id="page">'  # at the end of the data
_CHUNK = 1 << 20

# The same for all rows: told once.
_PROVENANCE = ("model", "model_sha256", "engine", "precision", "recipe_sha256", "version")


class Gallery:
    """Writes a page; leaving its ``with`` block completes it, an error discards it.

    A page that grows for long can be shown meanwhile, and gone on with later.

    Parameters
    ----------
    path : str or path
        Appears, or is replaced, when the page is complete.
    columns : sequence of str or Column
        What rows hold, as for `galedge.tables.catalog.open_table`.
    about : mapping of str to str, optional
        What makes the page, such as ``command`` and ``model``.
    goes_on : bool
        Whether a page with the same columns that is there is gone on with.

    Attributes
    ----------
    taken_over : int
        How many rows are of the page that was there.

    Raises
    ------
    OutputError
        If the file cannot be made.
    """

    template: ClassVar[str] = "gallery.html"
    side: ClassVar[int] = 64
    """Pixels of a thumbnail, at most."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        columns: Sequence[str | Column],
        about: Mapping[str, str] | None = None,
        *,
        goes_on: bool = False,
    ) -> None:
        self._columns = [
            each for each in known(columns) if each.name not in _PROVENANCE and not each.length
        ]
        self._made_by, self._started = {} if about is None else about, utc_now()
        self._rows: list[list[Any]] = []
        self._tiles: list[NDArray[np.uint8] | None] = []
        self._count = self._rejected = self._length = 0
        head, self._tail = _template(self.template)
        self._target = AtomicFile(path)
        try:
            self._write(head.encode())
            if goes_on:
                self._take_over(head.encode())
            self.taken_over = self._count
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
        self._tiles.append(None if pixels is None else _tile(pixels, upwards, self.side))
        self._count += 1
        self._rejected += row.get("status") == "error"
        if len(self._rows) >= _ACROSS**2:
            self._put()

    def show(self) -> None:
        """Put the page in its place as it stands; there is more to come.

        Raises
        ------
        OutputError
            If it cannot be written: what is there stays.
        """
        with AtomicFile(self._target.path) as page, open(self._target.file.name, "rb") as so_far:
            try:
                shutil.copyfileobj(so_far, page.file)
                page.file.write(self._waiting() + self._end())
            except OSError as error:
                raise page.failure(error) from error

    def _take_over(self, head: bytes) -> None:
        """Begin with the data of the page that is there, if it is one of this kind."""
        # A page that is damaged, or another's, is none to go on with.
        with (
            suppress(OSError, LookupError, ValueError, TypeError),
            open(self._target.path, "rb") as page,
        ):
            if page.read(len(head)) != head:
                return
            end = len(head)
            for line in page:
                if line.startswith(_PAGE):
                    break
                end += len(line)
            else:
                return
            made = json.loads(line[len(_PAGE) : line.rindex(b"<")])
            if made | {"about": None} != json.loads(_json(self._page() | {"about": None})):
                return
            about = made["about"]
            rows, rejected = int(about["rows"]), int(about["rejected"])
            page.seek(len(head))
            while chunk := page.read(min(_CHUNK, end - self._length)):
                self._write(chunk)
            self._count, self._rejected = rows, rejected
            self._started = str(about["started"])

    def _put(self) -> None:
        """Write the rows that wait, and their thumbnails."""
        self._write(self._waiting())
        self._rows.clear()
        self._tiles.clear()

    def _waiting(self) -> bytes:
        """Return the rows that wait, and their thumbnails, as the page holds them."""
        if not self._rows:
            return b""
        rows, sheet = _json(self._rows), _sheet(self._tiles)
        return (
            f'<script type="application/json" class="rows">{rows}</script>\n'
            f'<script type="text/plain" class="sheet">{sheet}</script>\n'
        ).encode()

    def _write(self, content: bytes) -> None:
        """Add to the page, all of it or nothing."""
        file, rest = self._target.file.fileno(), memoryview(content)
        try:
            while rest:
                rest = rest[os.write(file, rest) :]
        except OSError as error:
            with suppress(OSError):
                os.lseek(file, self._length, os.SEEK_SET)
                os.ftruncate(file, self._length)
            raise self._target.failure(error) from error
        self._length += len(content)

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._write(self._waiting() + self._end())
                self._target.complete()
        finally:
            self._target.discard()

    def _end(self) -> bytes:
        """Return what comes behind the data, as it is now."""
        return _PAGE + f"{_json(self._page())}</script>\n{self._tail}".encode()

    def _page(self) -> dict[str, Any]:
        """Return what the page is told beside rows and thumbnails."""
        about = finished(self._made_by, self._started, self._count, self._rejected)
        return {
            "across": _ACROSS,
            "about": {name: _cell(value, None) for name, value in about.items()},
            "classes": self._classes(),
            "columns": [
                {
                    "name": visible(each.name),
                    "unit": each.unit,
                    "description": visible(each.description),
                    "role": each.role,
                    "symbol": visible(each.symbol or each.name),
                    **({"given": [visible(other) for other in each.given]} if each.given else {}),
                }
                for each in self._columns
            ],
        }

    def _classes(self) -> list[str]:
        """Return the classes that the column `label` may name."""
        names = [each.name for each in self._columns]
        if "label" not in names:
            return []
        classes = []
        for each in self._columns[names.index("label") + 1 :]:
            if each.role not in ("probability", "set", "class"):
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


def _tile(pixels: NDArray[np.uint8], upwards: bool, side: int) -> NDArray[np.uint8]:
    """Return a thumbnail as viewers show it, shape (side, side, 3)."""
    shown = pixels.transpose(1, 2, 0)
    if upwards:
        shown = shown[::-1]
    if len(shown) > side:
        from PIL import Image

        small = Image.fromarray(np.ascontiguousarray(shown))
        return np.asarray(small.resize((side, side), Image.Resampling.BOX))
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


def _template(name: str) -> tuple[str, str]:
    """Return what stands before and after the data."""
    page, shared = (
        resources.files("galedge.tables").joinpath(each).read_text("utf-8")
        for each in (name, "page.js")
    )
    page = page.replace("// page.js\n", shared, 1)
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
