"""CHECKSUM and DATASUM (FITS 4.0, section 4.4.2.7), compared on request."""

from __future__ import annotations

from dataclasses import dataclass

from galedge.core.backend import _core
from galedge.errors import ReadError

__all__ = ["Sums", "refuse_changed", "sums_of"]


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of an HDU's sums: True if right, False if wrong, None if absent.

    Attributes
    ----------
    hdu : int
        Number of the HDU.
    checksum : bool or None
        CHECKSUM, over header and data.
    datasum : bool or None
        DATASUM, over the data.
    """

    hdu: int
    checksum: bool | None
    datasum: bool | None

    @property
    def complaint(self) -> str | None:
        """What is wrong, as a sentence; None where nothing is."""
        sums = {"CHECKSUM": self.checksum, "DATASUM": self.datasum}
        wrong = [name for name, right in sums.items() if right is False]
        if not wrong:
            return None
        part = "data"
        if self.datasum is not False:
            part = "header" if self.datasum else "header or data"
        are = "is" if part == "header" else "are"
        return (
            f"HDU {self.hdu} has a wrong {' and a wrong '.join(wrong)}: its {part} {are} not "
            "what was written; fetch the file again, or read it without verifying"
        )


def sums_of(file: _core.FitsFile, hdu: _core.Hdu) -> Sums:
    """Add up an HDU as it is stored: of a compressed image, the table of its tiles."""
    datasum, checksum = file.verify(hdu)
    return Sums(hdu.index, checksum, datasum)


def refuse_changed(file: _core.FitsFile, hdu: _core.Hdu) -> None:
    """Raise ReadError where a sum is wrong."""
    if complaint := sums_of(file, hdu).complaint:
        raise ReadError(complaint)
