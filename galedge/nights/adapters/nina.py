r"""N.I.N.A.: its External Script instruction, which answers for the frame that was taken last.

Put the instruction behind Take Exposure, with

    "C:\galedge\galedge.exe" adapters nina "C:\Users\me\Pictures\N.I.N.A"

or, so that target and filter are told and only lights are taken, with the Image file pattern of
Options, Imaging behind the folder:

    ... adapters nina "C:\N.I.N.A" "$$TARGETNAME$$\$$IMAGETYPE$$\$$DATETIME$$_$$FILTER$$"

N.I.N.A. does not tell a script which file it wrote, so the newest light below the folder is
taken: whose IMAGETYPE is LIGHT by the pattern, or, without one, no part of whose path says bias,
dark, flat or snapshot. A file that is named itself is taken as it is. Exit codes are 0
classified, 3 rejected or no light yet, 1 galedge itself failed, 2 wrong usage; N.I.N.A. takes all
but 0 for a failed instruction. Let FITS be the file type: XISF is not read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, ClassVar

from galedge.errors import GaledgeError
from galedge.nights.adapters import Adapter
from galedge.nights.adapters.plain import Plain, plain, shown, tidy

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier

__all__ = ["ADAPTER", "Nina", "newest", "told_by"]

_TOKEN = re.compile(r"\$\$([A-Z0-9]+)\$\$")
_DATE, _TIME = r"\d{4}-\d\d-\d\d", r"\d\d-\d\d-\d\d"
_KINDS = {"DATETIME": f"{_DATE}_{_TIME}", "TIME": _TIME, "TIMEUTC": _TIME, "FRAMENR": r"\d+"}
_KINDS |= dict.fromkeys(("DATE", "DATEMINUS12", "DATEUTC", "APPLICATIONSTARTDATE"), _DATE)
_NUMBERS = "EXPOSURETIME SENSORTEMP TEMPERATURESETPOINT GAIN OFFSET HFR FOCUSERPOSITION STARCOUNT"
_KINDS |= dict.fromkeys(_NUMBERS.split(), r"-?\d*(?:[.,]\d+)?")
# A word of its own, or the last of several written together: MasterDark.
_NOT_LIGHT = re.compile(
    r"(?:^|[^A-Za-z])(?i:bias|darks?|flats?|darkflats?|snapshots?)(?![A-Za-z])"
    r"|(?<=[a-z])(?:Bias|Darks?|Flats?|Snapshots?)(?![a-z])"
)


def told_by(path: str, pattern: str) -> dict[str, str] | None:
    r"""Return what a path says by an Image file pattern: ``{"FILTER": "Ha", ...}``.

    Parameters
    ----------
    path : str
        Of Windows or POSIX; the pattern's own folders are its last ones.
    pattern : str
        As N.I.N.A. has it, such as ``$$TARGETNAME$$\$$DATETIME$$_$$FILTER$$``.

    Returns
    -------
    dict or None
        None if the path is not made by the pattern.
    """
    seen: set[str] = set()

    def asked(name: str) -> str:
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return rf"(?P<{name}>{_KINDS.get(name, '[^/]*?')})"

    text = pattern.strip().replace("\\", "/").strip("/")
    pieces = _TOKEN.split(text)  # every second one is a token's name
    made = [asked(piece) if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)]
    # A second file of a name is numbered; compressed files have two endings.
    whole = rf"(?:.*/)?{''.join(made)}(?:[ _]?\(?\d+\)?)?(?:\.\w+){{1,2}}"
    found = re.fullmatch(whole, path.replace("\\", "/"), re.I)
    return None if found is None else {name: found[name] or "" for name in sorted(seen)}


def newest(folder: str, pattern: str | None = None) -> str | None:
    """Return the path of the light that was written last below a folder; None if there is none."""
    from galedge.images.inputs import find

    best: tuple[int, str] | None = None
    for path in find([folder]):
        if not isinstance(path, str) or not _is_light(os.path.relpath(path, folder), pattern):
            continue
        try:
            changed = os.stat(path).st_mtime_ns
        except OSError:  # taken away in the meantime
            continue
        best = max(best or (changed, path), (changed, path))
    return best[1] if best else None


def _is_light(path: str, pattern: str | None) -> bool:
    if pattern is None:
        kind = PureWindowsPath if "\\" in path else PurePosixPath
        return not any(_NOT_LIGHT.search(part) for part in kind(path).parts)
    told = told_by(path, pattern)
    return told is not None and told.get("IMAGETYPE", "LIGHT").upper() == "LIGHT"


class Nina(Plain):
    """The last light's answer, as a line."""

    about: ClassVar[str] = "N.I.N.A.: its External Script instruction; answers for the last light"

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield a line for each file or folder; a path with $$ is the pattern."""
        given = [tidy(path) for path in paths]
        pattern = next((path for path in given if "$$" in path), None)
        places = [path for path in given if path != pattern]
        if not places:
            raise GaledgeError("give N.I.N.A.'s image folder, or an image, before the pattern")
        for place in places:
            path = newest(place, pattern) if os.path.isdir(place) else place
            if path is None:
                yield f"{shown(place)}: no light yet", False
                continue
            result = classifier.classify(path)
            told = told_by(path, pattern) or {} if pattern else {}
            known = [told[name] for name in ("TARGETNAME", "FILTER") if told.get(name)]
            yield plain(result, " ".join([path, *(f"({name})" for name in known)])), result.ok


ADAPTER: type[Adapter] = Nina
