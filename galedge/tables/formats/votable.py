"""VOTable 1.4 in TABLEDATA, row by row; unknown is an empty cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, ClassVar

from galedge.tables.cells import printed, visible
from galedge.tables.columns import COLUMNS
from galedge.tables.formats import Format
from galedge.tables.rows import Cell
from galedge.tables.spool import Chunk, Spooled, Stored

__all__ = ["FORMAT", "VOTable", "votable_head", "votable_tail"]

_TYPES = {
    "int32": "int",
    "int64": "long",
    "bool": "boolean",
    "float32": "float",
    "float64": "double",
}


class VOTable(Spooled):
    """One table in one resource."""

    extensions: ClassVar[tuple[str, ...]] = (".vot", ".votable", ".xml")

    def store(
        self,
        file: BinaryIO,
        columns: Sequence[Stored],
        about: Mapping[str, str | int],
        chunks: Iterator[Chunk],
    ) -> None:
        """Write everything."""
        file.write((votable_head(columns, about) + "<DATA><TABLEDATA>\n").encode())
        digits = [column.column.digits for column in columns]
        for chunk in chunks:
            for row in zip(*chunk, strict=True):
                cells = "".join(map(_cell, row, digits))
                file.write(f"<TR>{cells}</TR>\n".encode())
        file.write(("</TABLEDATA></DATA>\n" + votable_tail()).encode())


def votable_head(columns: Sequence[Stored], about: Mapping[str, str | int]) -> str:
    """Return a VOTable down to where its data begin."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
        '<RESOURCE type="results">',
    ]
    if any(_is_icrs(column) for column in columns):
        lines.append('<COOSYS ID="icrs" system="ICRS"/>')
    lines.append(f'<TABLE name="galaxies" nrows="{about["rows"]}">')
    for name, value in about.items():
        lines.append(f"<INFO name={_attribute(name)} value={_attribute(str(value))}/>")
    lines += map(_field, columns)
    return "\n".join(lines) + "\n"


def votable_tail() -> str:
    """Return what comes after the data."""
    return "</TABLE>\n</RESOURCE>\n</VOTABLE>\n"


def _field(column: Stored) -> str:
    known = column.column
    attributes = {"name": known.name}
    if column.type == "text":
        attributes["datatype"] = "char" if column.ascii else "unicodeChar"
        # Not "*": of that astropy makes columns of Python objects.
        attributes["arraysize"] = str(column.width)
    else:
        attributes["datatype"] = _TYPES[column.type]
        if known.length:  # of Parquet's head, whose data are not in TABLEDATA
            attributes["arraysize"] = str(known.length)
    attributes["unit"] = known.unit
    attributes["ucd"] = known.ucd
    if known.digits:
        significant = known.digits.endswith("g")
        attributes["precision"] = ("E" if significant else "") + known.digits[2:-1]
    if _is_icrs(column):
        attributes["ref"] = "icrs"
    start = "<FIELD" + "".join(
        f" {key}={_attribute(text)}" for key, text in attributes.items() if text
    )
    if not known.description:
        return start + "/>"
    text = _escaped(visible(known.description))
    return f"{start}><DESCRIPTION>{text}</DESCRIPTION></FIELD>"


def _is_icrs(column: Stored) -> bool:
    return column.name in ("ra", "dec") and column.column == COLUMNS[column.name]


def _attribute(text: str) -> str:
    """Quote text as xml.sax does, whose import would cost more than galedge's own."""
    text = _escaped(visible(text))
    if '"' not in text:
        return f'"{text}"'
    return f"'{text}'" if "'" not in text else '"' + text.replace('"', "&quot;") + '"'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cell(value: Cell, digits: str | None) -> str:
    if value is None or value == "":
        return "<TD/>"
    if value.__class__ is bool:
        return "<TD>true</TD>" if value else "<TD>false</TD>"
    return f"<TD>{_escaped(str(printed(value, digits)))}</TD>"


FORMAT: type[Format] = VOTable
