"""What a FITS header says of colours: which plane of a cube is which."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from galedge.core.backend import _core
from galedge.errors import Unsupported
from galedge.images.wavelengths import Order, order_named, red_first

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from galedge.images.pixels import Image

__all__ = [
    "RED_FIRST",
    "UNKNOWN",
    "colour_flags",
    "named_order",
    "order_by",
    "order_in",
    "refuse_misordered",
    "stated_order",
]

#: The flag of three planes of which nobody says which is red.
UNKNOWN = "band_order_unknown"

#: The order of what has no header to say another.
RED_FIRST: Order = (0, 1, 2)

_LISTS = ("BANDS", "FILTERS", "BAND", "FILTER", "COLORS", "COLOURS", "CHANNELS")
_EACH = ("BAND", "FILTER", "FILT", "PLANE", "CHAN", "CHANNEL", "COLOR", "LAYER", "FILTNAM")
_LENGTH_EACH = ("WAVE", "WAVELEN", "WAVELNG", "LAMBDA")
_NUMBERS = tuple(
    tuple(form % number for number in numbers)
    for form in ("%d", "_%d", "%02d")
    for numbers in ((0, 1, 2), (1, 2, 3))
)
_WRITERS = ("PROGRAM", "CREATOR", "SWCREATE", "SWMODIFY", "SOFTWARE", "ORIGIN")
_SPACES = ("COLORSPC", "COLORTYP", "COLORSPA", "CTYPE3", "CTYPE4")
_CARD = re.compile(
    rb"(?:(?:%s)_?\d{0,2}|%s|BAYERPAT|C(?:TYPE|DELT)[345]|(?:CD|PC)(?:3_3|4_4|5_5)) *"
    % ("|".join({*_LISTS, *_EACH, *_LENGTH_EACH}).encode(), "|".join(_WRITERS + _SPACES).encode())
)
_STEMS = (*_LISTS, *_EACH, *_LENGTH_EACH, *_WRITERS, *_SPACES, "BAYERPAT", "CTYPE", "CDELT")
_BEGINNINGS = frozenset(f"{stem:<4}"[:4].encode() for stem in _STEMS) | {
    b"%s%d_" % (stem, axis) for stem in (b"CD", b"PC") for axis in (3, 4, 5)
}
# Programs for pictures of the sky write colours as all pictures have them. So does what
# has interpolated the pixels of a colour camera.
_AMATEURS = re.compile(
    r"siril|pixinsight|sharpcap|\bn\.?i\.?n\.?a\b|astap|maxim ?dl|seestar"
    r"|asi ?(cap|air|studio|deep|img)|dwarf ?(lab|ii|mini|\d)|vespera|stellina|unistellar"
    r"|deepskystacker|astro ?pixel ?processor"
    r"|kstars|ekos|firecapture|nebulosity|startools|astroart|theskyx|voyager|ccdciel|gimp",
    re.IGNORECASE,
)
_LENGTHS, _ENERGIES = ("WAVE", "AWAV"), ("FREQ", "ENER", "WAVN")


def named_order(text: str | None) -> Order | None:
    """Return the order that a user names, ``grz`` or ``g,r,z``; None if she names none.

    Raises
    ------
    ValueError
        If these are not three bands of known, different wavelengths.
    """
    if text is None:
        return None
    found = order_named(text)
    if found is None:
        raise ValueError(
            f"order must name the bands of three planes as they follow in the file, such as grz, "
            f"'F435W,F606W,F814W' or BGR, not {text!r}"
        )
    return found


def order_by(named: Order | None) -> Callable[[bytes], Order | None]:
    """Return what tells the order of three planes by their header, or as a user names it."""
    return stated_order if named is None else lambda text: named


def stated_order(text: bytes) -> Order | None:
    """Return which of three planes a header says are red, green and blue.

    Parameters
    ----------
    text : bytes
        Its cards.

    Returns
    -------
    tuple of int or None
        None where it says nothing of it.
    """
    each = [text[at : at + 80] for at in range(0, len(text), 80)]
    return _told(b"".join([card for card in each if card[:4] in _BEGINNINGS]))


@lru_cache(256)  # the cubes of a survey all say the same
def _told(text: bytes) -> Order | None:
    each = (text[at : at + 80] for at in range(0, len(text), 80))
    cards: dict[str, object] = {}
    for keyword, value in _core.parse_cards(b"".join(c for c in each if _CARD.fullmatch(c[:8]))):
        cards.setdefault(keyword, value)
    return _by_names(cards) or _by_axis(cards) or _by_habit(cards)


def _by_names(cards: Mapping[str, object]) -> Order | None:
    for keyword in _LISTS:
        value = cards.get(keyword)
        if isinstance(value, str) and (found := order_named(value)):
            return found
    for stem, numbers in product(_EACH, _NUMBERS):
        names = [cards.get(stem + number) for number in numbers]
        texts = [name for name in names if isinstance(name, str)]
        if len(texts) == 3 and (found := red_first(texts)):
            return found
    for stem, numbers in product(_LENGTH_EACH, _NUMBERS):
        each = [cards.get(stem + number) for number in numbers]
        lengths = [length for length in each if isinstance(length, int | float)]
        if len(lengths) == len(set(lengths)) == 3:
            red, green, blue = sorted(range(3), key=lambda plane: -lengths[plane])
            return red, green, blue
    return None


def _by_axis(cards: Mapping[str, object]) -> Order | None:
    """By a third axis of wavelengths or frequencies that rise or fall."""
    for axis in "345":
        kind = str(cards.get(f"CTYPE{axis}", ""))[:4].strip()
        if kind not in _LENGTHS + _ENERGIES:
            continue
        step = 1.0
        for keyword in (f"CDELT{axis}", f"PC{axis}_{axis}", f"CD{axis}_{axis}"):
            value = cards.get(keyword)
            step *= value if isinstance(value, int | float) else 1
        if f"CDELT{axis}" not in cards and f"CD{axis}_{axis}" not in cards:
            return None
        if step:
            return RED_FIRST if (step > 0) == (kind in _ENERGIES) else (2, 1, 0)
    return None


def _by_habit(cards: Mapping[str, object]) -> Order | None:
    for keyword in _SPACES:
        value = cards.get(keyword)
        if isinstance(value, str) and (found := order_named(value)):
            return found
    written = " ".join(str(cards.get(keyword, "")) for keyword in _WRITERS)
    return RED_FIRST if "BAYERPAT" in cards or _AMATEURS.search(written) else None


def order_in(image: Image, named: Order | None) -> Order | None:
    """Return the order of an image's planes: as a user names it, else as its file says."""
    # JPEG, PNG and TIFF have one order, which their readers follow.
    is_settled = image.order is not None and image.hdu is None and not image.header.text
    return image.order if named is None or is_settled else named


def refuse_misordered(texts: Sequence[bytes]) -> None:
    """Refuse three bands, red, green and blue, whose headers say that they are in another order.

    Parameters
    ----------
    texts : sequence of bytes
        The cards of each.

    Raises
    ------
    Unsupported
        With the bands.
    """
    names = [_core.card_text(text, "FILTER").strip() for text in texts]
    if red_first(names) not in (None, RED_FIRST):
        raise Unsupported(
            f"FILTER says that the bands given as red, green and blue are {', '.join(names)}; "
            "give the longest wavelength as red, with --bands last"
        )


def colour_flags(image: Image) -> tuple[str, ...]:
    """Return the flag of a cube of three planes whose header says nothing of them."""
    has_header = image.hdu is not None or bool(image.header.text)
    cube = image.data.ndim == 3 and len(image.data) == 3
    unknown = cube and image.order is None and has_header and not image.is_picture
    return (UNKNOWN,) * unknown
