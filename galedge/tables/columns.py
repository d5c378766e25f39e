"""Every column of every table, once: type, printed digits, unit, UCD, description.

A column that is not known here, such as one carried through from a source list,
has no metadata and takes its type from its values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["COLUMNS", "RESERVED", "Column", "keyword", "known"]


class Column(NamedTuple):
    """What is known about a column before its first row.

    Attributes
    ----------
    name : str
    type : {"text", "int32", "int64", "float32", "float64", "bool"}, optional
        How formats with types store it. Default: found from the values.
    digits : str, optional
        Format of its printed numbers, ``%.4f`` or ``%.6g``: what the quantity
        deserves, the same in every format. Default: all of them.
    unit : str
        As in FITS and VOUnits, or empty.
    ucd : str
        Unified content descriptor, UCD1+ (IVOA UCDlist 1.5), or empty.
    description : str
        One sentence, or empty.
    role : str
        What it is to the head that fills it: ``label``, the ``probability`` of that,
        the probability of one ``class`` or of a label (``yes``), a ``value`` or its
        ``error``; empty for columns of no head.
    symbol : str
        What it is called where room is short, such as the class.
    keyword : str
        Of the FITS card that ``--write-back`` writes it to, or empty.
    length : int
        How many numbers a cell holds, of a column of vectors; 0 for a single value.
    given : tuple of str
        Columns that must be 0.5 or more, or less where ``not`` stands before their name, for
        its number to mean anything; so must what these hang on themselves.
    """

    name: str
    type: str | None = None
    digits: str | None = None
    unit: str = ""
    ucd: str = ""
    description: str = ""
    role: str = ""
    symbol: str = ""
    keyword: str = ""
    length: int = 0
    given: tuple[str, ...] = ()


def _text(name: str, ucd: str, description: str) -> Column:
    return Column(name, "text", None, "", ucd, description)


def _number(
    name: str, digits: str, unit: str, ucd: str, description: str, type: str = "float32"
) -> Column:
    return Column(name, type, digits, unit, ucd, description)


def _double(name: str, digits: str, unit: str, ucd: str, description: str) -> Column:
    return _number(name, digits, unit, ucd, description, "float64")


def _shape(name: str, digits: str, description: str) -> Column:
    return _number(name, digits, "", "src.morph.param", description)


_ALL = (
    _text("path", "meta.id;meta.file", "the file as it was named"),
    Column("hdu", "int32", ucd="meta.number", description="HDU that was read, from 0"),
    _double("x", "%.2f", "pixel", "pos.cartesian.x",
            "centre of the galaxy's frame; the first pixel's centre is 0"),
    _double("y", "%.2f", "pixel", "pos.cartesian.y", "the same across the rows"),
    # 0.4 mas
    _double("ra", "%.7f", "deg", "pos.eq.ra;meta.main", "right ascension (ICRS)"),
    _double("dec", "%.7f", "deg", "pos.eq.dec;meta.main", "declination (ICRS)"),
    _text("object", "meta.id;src", "OBJECT of the header"),
    _text("date_obs", "time.start;obs", "DATE-OBS of the header"),
    _number("fwhm", "%.2f", "pixel", "phys.size.diameter",
            "full width at half maximum of the Gaussian that fits the source best"),
    _number("snr", "%.2f", "", "stat.snr",
            "its light over the noise of the sky, under that Gaussian"),
    _number("extendedness", "%.4f", "", "src.class.starGalaxy",
            "probability that the source is resolved, beside the frame's stars"),
    _text("flags", "meta.code.qual", "what may spoil the answer, joined by ;"),
    _double("sky", "%.6g", "", "stat.value;instr.skyLevel",
            "sky level per pixel, in the file's unit"),
    _double("noise", "%.6g", "", "stat.stdev;instr.skyLevel",
            "standard deviation of the sky per pixel"),
    _number("masked_fraction", "%.4f", "", "stat.filling",
            "share of the frame without valid pixels"),
    _number("sharpness", "%.3f", "", "instr.obsty.seeing",
            "log2 of the power of details 2 pixels wide in the picture over those of 4"),
    _number("colour_red", "%.3f", "", "phot.color",
            "log2 of red over green light in the middle of the picture; empty of one band"),
    _number("colour_blue", "%.3f", "", "phot.color", "the same of blue over green"),
    _number("tilt_x", "%.4f", "", "stat.value;instr.det",
            "light of the picture on the side of larger x less that on the other, over all"),
    _number("tilt_y", "%.4f", "", "stat.value;instr.det", "the same of y"),
    _text("status", "meta.code.status", "ok or error"),
    _text("error", "meta.note", "why there is no answer"),
    _text("model", "meta.id;meta.software", "name of the model"),
    _text("model_sha256", "meta.checksum", "SHA-256 of the network"),
    _text("engine", "meta.id;meta.software", "what ran the network"),
    _text("precision", "meta.code", "numbers that it computed with: int8, fp32 or fp16"),
    _text("recipe_sha256", "meta.checksum", "SHA-256 of how pixels were prepared"),
    _text("version", "meta.version;meta.software", "version of galedge"),
    Column("file_size", "int64", None, "byte", "meta.number;meta.file", "size of the file"),
    Column("file_mtime_ns", "int64", None, "ns", "time;meta.file",
           "when it was changed, since 1970"),
    _text("classified_at", "time.processing", "when the row was made (UTC)"),
    _text("drift", "meta.code.qual", "columns that are not as in the reference by now"),
    _text("identity", "meta.id", "key of the file's state, the model and the recipe"),
    _shape("concentration", "%.3f", "5 log10(r80 / r20), of the light within 1.5 Petrosian radii"),
    _shape("asymmetry", "%.4f",
           "light that half a turn does not map onto itself, less the sky's share"),
    _shape("smoothness", "%.4f", "light in clumps, outside the centre, less the sky's share"),
    _shape("gini", "%.4f", "Gini coefficient of the pixels down to the Petrosian brightness"),
    _shape("m20", "%.3f",
           "log10 of the second moment of the brightest 20 % of the light over that of all"),
    _number("ellipticity", "%.4f", "", "src.ellipticity",
            "1 - b/a of the second moments within the isophote"),
    _number("position_angle", "%.2f", "deg", "pos.posAng",
            "of the major axis, from +x towards +y, -90 to 90"),
    _number("r_petrosian", "%.3f", "pixel", "phys.size.radius",
            "where the brightness is a fifth of its mean within"),
    _number("r_half", "%.3f", "pixel", "phys.size.radius",
            "radius that holds half the light within 1.5 Petrosian radii"),
    _number("sn_per_pixel", "%.2f", "", "stat.snr", "mean signal-to-noise of the pixels of gini"),
    _number("point_fraction", "%.4f", "", "phot.flux;arith.ratio",
            "share of the light in an unresolved nucleus"),
    _number("point_fraction_error", "%.4f", "", "stat.error;phot.flux;arith.ratio",
            "its standard error"),
)  # fmt: skip

COLUMNS = {column.name: column for column in _ALL}
"""The columns of classify, watch and measure by name, but those that a model's heads fill."""

RESERVED = tuple(COLUMNS)[: tuple(COLUMNS).index("concentration")]
"""Those that stand beside heads' columns, whose names no head can take."""


def keyword(name: str) -> str:
    """Return the keyword of the FITS card that holds what is called `name`: ``GETTYPE``."""
    return "GE" + "".join(c for c in name.upper() if c.isascii() and c.isalnum())[:6]


def known(columns: Iterable[str | Column]) -> list[Column]:
    """Return what is known about columns; a `Column` is what its maker says it is."""
    return [
        column if isinstance(column, Column) else COLUMNS.get(column, Column(column))
        for column in columns
    ]
