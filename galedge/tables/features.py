"""Tables of features, as `galedge embed` writes them: the vectors at once, rows when asked.

Of a million rows the vectors are what is worked with, two gigabytes of them, and a
few rows what is shown; so no cell becomes a Python object before it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ReadError
from galedge.support.extras import need
from galedge.tables.cells import plain
from galedge.tables.readtable import read_table
from galedge.tables.rows import Cell

__all__ = ["EMBEDDING", "Features", "read_features"]

#: The column of vectors, and how those begin that stand for one in formats without.
EMBEDDING = "embedding"

_BATCH = 8192  # rows read at a time: 16 MB, which one allocation after another can reuse


@dataclass(frozen=True, slots=True)
class Features:
    """A table of features.

    Attributes
    ----------
    path : str
    vectors : ndarray of float32, shape (N, D)
        NaN where there is no answer.
    names : tuple of str
        The other columns.
    take : function of a list of int
        Returns rows by number, each a dict without its vector.
    """

    path: str
    vectors: NDArray[np.float32]
    names: tuple[str, ...]
    take: Callable[[Sequence[int]], list[dict[str, Cell]]]

    def __len__(self) -> int:
        return len(self.vectors)


def read_features(path: str | os.PathLike[str]) -> Features:
    """Read a table of features.

    Parameters
    ----------
    path : str or path
        Any table that `galedge.tables.readtable.read_table` reads; Parquet and FITS are fast.

    Raises
    ------
    ReadError
        If it cannot be read, or has no embedding, or no row with one.
    GaledgeError
        If the format needs a package that is missing.
    """
    path = os.fspath(path)
    name = path.lower()
    if name.endswith((".parquet", ".pq")):
        found = _parquet(path)
    elif name.endswith((".fits", ".fit")):
        found = _fits(path)
    else:
        found = _any(path)
    if not np.isfinite(found.vectors).all(axis=1).any():
        raise ReadError(f"{path}: no row has an embedding; see its column error")
    return found


def _missing(path: str) -> ReadError:
    return ReadError(
        f"{path}: has no column {EMBEDDING}; galedge embed PATH... -o features.parquet makes one"
    )


def _parquet(path: str) -> Features:
    parquet = need("pyarrow.parquet", "tables", "reading Parquet")
    pyarrow = need("pyarrow", "tables", "reading Parquet")
    try:
        file = parquet.ParquetFile(path)
        names = [name for name in file.schema_arrow.names if name != EMBEDDING]
        if len(names) == len(file.schema_arrow.names):
            return _any(path)
        kind = file.schema_arrow.field(EMBEDDING).type
        if not pyarrow.types.is_fixed_size_list(kind):
            raise ReadError(f"{path}: column {EMBEDDING} holds no vectors of one length")
        vectors = np.empty((file.metadata.num_rows, kind.list_size), np.float32)
        row = 0
        for batch in file.iter_batches(_BATCH, columns=[EMBEDDING]):
            column = batch.column(0)
            if column.null_count:
                column = column.fill_null([float("nan")] * kind.list_size)
            block = np.asarray(column.flatten(), np.float32).reshape(len(column), -1)
            vectors[row : row + len(block)] = block
            row += len(block)
    except OSError as error:
        raise ReadError(f"{path}: cannot be read: {error.strerror or error}") from None
    except pyarrow.ArrowException as error:
        raise ReadError(f"{path}: is no Parquet table: {error}") from None

    def take(rows: Sequence[int]) -> list[dict[str, Cell]]:
        found = {}
        for group, members in _by_group(rows, sizes).items():  # of what may be a million rows
            held = file.read_row_group(group, columns=names).take([place for _, place in members])
            for (row, _), cells in zip(members, held.to_pylist(), strict=True):
                found[row] = {name: plain(cell) for name, cell in cells.items()}
        return [found[row] for row in rows]

    sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]

    return Features(path, vectors, tuple(names), take)


def _by_group(rows: Sequence[int], sizes: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """Return rows, and their places in groups of rows, by group."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    found: dict[int, list[tuple[int, int]]] = {}
    for row in rows:
        group = int(np.searchsorted(starts, row, "right")) - 1
        found.setdefault(group, []).append((row, row - int(starts[group])))
    return found


def _fits(path: str) -> Features:
    fits = need("astropy.io.fits", "tables", "reading a FITS table")
    try:
        with fits.open(path, memmap=True) as hdus:
            data = next(
                (
                    hdu.data
                    for hdu in hdus
                    if isinstance(hdu, fits.BinTableHDU)
                    and EMBEDDING in (name.lower() for name in hdu.columns.names)
                ),
                None,
            )
            if data is None:
                return _any(path)
            vectors = np.array(data[EMBEDDING], np.float32)
    except (OSError, ValueError, TypeError) as error:
        raise ReadError(f"{path}: is no FITS table: {error}") from None
    if vectors.ndim != 2:
        raise ReadError(f"{path}: column {EMBEDDING} holds no vectors")
    names = tuple(name for name in data.names if name.lower() != EMBEDDING)

    def take(rows: Sequence[int]) -> list[dict[str, Cell]]:
        chosen = data[np.asarray(rows, np.intp)]
        columns = [[plain(cell) for cell in chosen[name]] for name in names]
        texts = [[cell or None if isinstance(cell, str) else cell for cell in c] for c in columns]
        return [dict(zip(names, cells, strict=True)) for cells in zip(*texts, strict=True)]

    return Features(path, vectors, names, take)


def _any(path: str) -> Features:
    columns = read_table(path).columns
    single = sorted(
        (name for name in columns if name.removeprefix(f"{EMBEDDING}_").isdigit()),
        key=lambda name: int(name.removeprefix(f"{EMBEDDING}_")),
    )
    if not single:
        raise _missing(path)
    try:
        cells = [[np.nan if c is None else c for c in columns[name].cells] for name in single]
        vectors = np.array(cells, np.float32).T.copy()
    except (TypeError, ValueError):
        raise ReadError(f"{path}: columns {single[0]} ... hold other things than numbers") from None
    names = tuple(name for name in columns if name not in set(single))

    def take(rows: Sequence[int]) -> list[dict[str, Cell]]:
        return [{name: columns[name].cells[row] for name in names} for row in rows]

    return Features(path, vectors, names, take)
