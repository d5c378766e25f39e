r"""Siril: a script for its menu that says in its log what the loaded image shows.

Siril 1.4 runs Python scripts. Save these lines as `galedge.py` in a folder of scripts
(Preferences, Scripts) and choose Scripts, Python Scripts, galedge:

    import sirilpy
    sirilpy.ensure_installed("galedge", "astropy")
    from galedge.nights.adapters.siril import run
    run(sirilpy.SirilInterface())

It takes the image as it is in memory, which should still be linear, with its header. Where Siril
is driven from outside, `galedge adapters siril IMAGE...` prints the same line for files; exit
code 0 classified, 3 rejected, 1 galedge itself failed, 2 wrong usage. Paths may be Windows', in
quotes or not:

    siril-cli.exe -s stack.ssf
    galedge.exe adapters siril "C:\Astro\M51\result.fit" || echo not classified

"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from galedge.nights.adapters import Adapter
from galedge.nights.adapters.plain import Plain, plain, tidy

if TYPE_CHECKING:
    from galedge.answers.classifier import Classifier
    from galedge.answers.result import Result

__all__ = ["ADAPTER", "Siril", "run"]


def run(siril: Any, classifier: Classifier | None = None) -> Result:
    """Classify the image that Siril has loaded, and say so in its log.

    Parameters
    ----------
    siril : sirilpy.SirilInterface
    classifier : galedge.Classifier, optional
        Default: the default model's.

    Returns
    -------
    Result
    """
    from galedge.answers.classifier import Classifier
    from galedge.images.arrays import image_with

    siril.connect()
    pixels = siril.get_image_pixeldata()
    source: Any = pixels
    try:
        from astropy.io import fits

        # Siril hands over the cards as lines.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = fits.Header.fromstring(siril.get_image_fits_header(), sep="\n")
            source = image_with(pixels, header)
    except Exception:  # no astropy, or no header: the pixels are classified all the same
        pass
    result: Result = (classifier or Classifier(workers=1)).classify([source])[0]
    siril.log(f"galedge: {plain(result, siril.get_image_filename() or 'image')}")
    return result


class Siril(Plain):
    """An answer as a line of Siril's log."""

    about: ClassVar[str] = "Siril: a script for its menu, or a command; a line for its log"

    @staticmethod
    def speak(classifier: Classifier, paths: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Yield a line for each image of paths as Windows hands them over."""
        from galedge.images.inputs import find

        for result in classifier.stream(find(map(tidy, paths))):
            yield plain(result), result.ok


ADAPTER: type[Adapter] = Siril
