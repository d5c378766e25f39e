"""Parquet, a group of rows at a time; unknown is null.

A column's unit, UCD and description are metadata of its field. The file also
carries them as a VOTable without data (IVOA's VOParquet, which TOPCAT and
astropy read) and as astropy's own header (``Table.read``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar

from galedge.tables.cells import visible
from galedge.tables.formats import Format
from galedge.tables.formats.ecsv import astropy_table
from galedge.tables.formats.votable import votable_head, votable_tail
from galedge.tables.spool import Chunk, Spooled, Stored, stacked

__all__ = ["FORMAT", "Parquet"]


class Parquet(Spooled):
    """One row group for each chunk."""

    extensions: ClassVar[tuple[str, ...]] = (".parquet",)
    needs: ClassVar[tuple[str, ...]] = ("astropy", "pyarrow")
    vectors: ClassVar[bool] = True

    def store(
        self,
        file: BinaryIO,
        columns: Sequence[Stored],
        about: Mapping[str, str | int],
        chunks: Iterator[Chunk],
    ) -> None:
        """Write everything."""
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        schema = pa.schema(map(_field, columns), _metadata(columns, about))
        with ParquetWriter(file, schema) as writer:
            for chunk in chunks:
                arrays = [
                    _array(column, cells, field.type)
                    for column, cells, field in zip(columns, chunk, schema, strict=True)
                ]
                writer.write_batch(pa.record_batch(arrays, schema=schema))


def _array(column: Stored, cells: Sequence[Any], kind: Any) -> Any:
    import pyarrow as pa

    length = column.column.length
    if not length:
        return pa.array(cells, kind)
    # Unknown is NaN: of a null among vectors astropy can make no column.
    return pa.FixedSizeListArray.from_arrays(pa.array(stacked(cells, length).ravel()), type=kind)


def _field(column: Stored) -> Any:
    import pyarrow as pa

    known = column.column
    kind = pa.bool_() if column.type == "bool" else getattr(pa, column.type, pa.string)()
    if known.length:
        kind = pa.list_(kind, known.length)
    about = {"unit": known.unit, "ucd": known.ucd, "description": known.description}
    return pa.field(
        visible(column.name),
        kind,
        metadata={key: visible(text) for key, text in about.items() if text},
    )


def _metadata(columns: Sequence[Stored], about: Mapping[str, str | int]) -> dict[str, str]:
    from astropy.table.meta import get_yaml_from_table

    metadata = {f"galedge.{name}": visible(str(value)) for name, value in about.items()}
    metadata["IVOA.VOTable-Parquet.version"] = "1.0"
    metadata["IVOA.VOTable-Parquet.content"] = votable_head(columns, about) + votable_tail()
    empty = astropy_table(columns, about)
    metadata["table_meta_yaml"] = "\n".join(get_yaml_from_table(empty))
    for column in columns:
        if column.type == "text":
            metadata[f"table::len::{column.name}"] = str(column.width)
    return metadata


FORMAT: type[Format] = Parquet
