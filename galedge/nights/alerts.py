"""Alert packets: Avro records that bring stamps of a source as FITS, as ZTF's and Rubin's do.

ZTF's stamps are gzipped FITS in ``cutoutScience.stampData``, Rubin's FITS in ``cutoutScience``,
with weights and masks behind the image. A packet that cannot be read costs itself, not its file.
"""

from __future__ import annotations

import io
import os
import struct
import tarfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

from galedge.errors import ReadError
from galedge.support.extras import need

__all__ = ["Alert", "alerts_in", "decoder"]

_IDS = ("diaSourceId", "candid", "alertId")  # Rubin's, ZTF's, and that of Rubin's old schemas
_OBJECTS = ("objectId", "diaObjectId", "ssObjectId")
_STAMPS = {"science": "cutoutScience", "template": "cutoutTemplate"}
_STAMPS |= {"difference": "cutoutDifference"}
_MOST = 64 << 20  # bytes of an alert; ZTF's have about 70 KB


class Alert(NamedTuple):
    """One packet.

    Attributes
    ----------
    id : str
        Its diaSourceId or candid, or empty.
    object : str
        What it is a detection of: its objectId, diaObjectId or ssObjectId, or empty.
    stamp : bytes or str
        An image file, or why there is none.
    """

    id: str
    object: str
    stamp: bytes | str


def decoder(field: str, schema: dict[str, Any] | None = None) -> Callable[[bytes], Alert]:
    """Return what takes the stamp out of a packet.

    Parameters
    ----------
    field : str
        ``science``, ``template`` or ``difference``, or names joined by dots, such as
        ``cutoutTemplate.stampData``.
    schema : dict, optional
        The alerts' Avro schema. Without it each packet must be an Avro object
        container, which brings its own, as ZTF's do. With it a packet is one
        record, after the five bytes of a schema registry if it has them, as
        Rubin's do.
    """
    fastavro = need("fastavro", "kafka", "reading Avro")
    parsed = fastavro.parse_schema(schema) if schema else None

    def decode(value: bytes) -> Alert:
        try:
            if parsed is None:
                record: Any = next(iter(fastavro.reader(io.BytesIO(value))))
            else:
                known = len(value) > 5 and value[0] == 0 and struct.unpack(">I", value[1:5])[0]
                record = fastavro.schemaless_reader(io.BytesIO(value[5 if known else 0 :]), parsed)
        except Exception as error:  # fastavro raises whatever its parsing met
            return _broken(error)
        return _alert(record, field)

    return decode


def alerts_in(path: str | os.PathLike[str], field: str = "science") -> Iterator[Alert]:
    """Yield the alerts of an Avro container, or of those in a tar archive, compressed or not.

    Parameters
    ----------
    path : path
    field : str
        As for `decoder`.

    Yields
    ------
    Alert
        One for each packet. A block that is damaged is one of them, and the reading goes on
        behind it where that can be told.

    Raises
    ------
    ReadError
        If the file cannot be read, or is none of these.
    """
    need("fastavro", "kafka", "reading Avro")
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            if file.read(4) == b"Obj\1":
                file.seek(0)
                yield from _of_container(file, field)
                return
        with tarfile.open(name) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                if member.size > _MOST:
                    yield Alert("", "", f"{member.name}: {member.size} bytes are no alert")
                    continue
                yield from _of_container(io.BytesIO(content.read()), field)
    except tarfile.TarError:
        raise ReadError(f"{name}: is neither an Avro container nor a tar archive of some") from None
    except (OSError, EOFError) as error:
        raise ReadError(f"{name}: cannot be read: {error}") from None


def _of_container(file: BinaryIO, field: str) -> Iterator[Alert]:
    fastavro = need("fastavro", "kafka", "reading Avro")
    try:
        blocks = iter(fastavro.block_reader(file))
    except Exception as error:
        yield _broken(error)
        return
    while True:
        try:
            block = next(blocks, None)
        except Exception as error:  # where the next block begins is not known any more
            yield _broken(error)
            return
        if block is None:
            return
        records = iter(block)
        try:
            for record in records:
                yield _alert(record, field)
        except Exception as error:
            yield _broken(error)


def _broken(error: Exception) -> Alert:
    said = f"{type(error).__name__}: {error}".partition("\n")[0]
    return Alert("", "", f"not an Avro alert: {said}")


def _alert(record: Any, field: str) -> Alert:
    found = record
    for name in _STAMPS.get(field, field).split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, dict):  # ZTF's, which say their file's name beside it
        found = found.get("stampData")
    stamp = found if isinstance(found, bytes) else f"the alert has no stamp {field!r}"
    return Alert(_first(record, _IDS), _first(record, _OBJECTS), stamp)


def _first(record: Any, names: tuple[str, ...]) -> str:
    """Return the first of some numbers that an alert has, at its top or of its source."""
    if not isinstance(record, dict):
        return ""
    places = [record, *(record.get(part) for part in ("diaSource", "candidate", "diaObject"))]
    for name in names:
        for place in places:
            if isinstance(place, dict) and place.get(name):
                return str(place[name])
    return ""
