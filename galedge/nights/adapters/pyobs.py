"""A step of a pyobs pipeline: the answer in the header of each image.

In the configuration of a module with a pipeline:

    pipeline:
      - class: galedge.nights.adapters.pyobs.Morphology
        model: hubble-1      # a shipped model or a bundle's folder
        plane: 0             # of cubes

That is a `pyobs.modules.image.Pipeline`; cameras have theirs by name, under `pipelines`.
It takes the settings `model`, `plane`, `order`, `frame`, `engine`, `device`, `precision`,
`views` and `sets` of `galedge.Classifier`; pyobs has its own besides. Masked pixels are missing
ones. An image that cannot be classified passes with the reason in GEERROR.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from galedge.nights.adapters import Adapter
from galedge.nights.cards import cards_of
from galedge.support.extras import need

if TYPE_CHECKING:
    from galedge.answers.result import Result

__all__ = ["ADAPTER", "Pyobs", "Step"]

_SETTINGS = ("model", "plane", "order", "frame", "engine", "device", "precision", "views", "sets")


class Step:
    """Classifies images, as pyobs hands them over, without pyobs.

    Parameters
    ----------
    **settings
        Of `galedge.Classifier`.
    """

    def __init__(self, **settings: Any) -> None:
        from galedge.answers.classifier import Classifier

        self._classifier = Classifier(workers=1, **settings)

    async def __call__(self, image: Any) -> Any:
        """Add the answer to an image's header.

        Parameters
        ----------
        image
            Anything with `data`, an array, and `header`, a mapping, such as a
            `pyobs.images.Image`; perhaps with a `mask`.

        Returns
        -------
        image
            The same.
        """
        source = _with_header(image)
        # The event loop must not wait for a computation.
        (result,) = await asyncio.to_thread(self._classifier.classify, [source])
        for card in cards_of(result):
            image.header[card.keyword] = (card.value, card.comment)
        return image


def _with_header(image: Any) -> Any:
    """Return an image's pixels with what its header says of the sky, if that can be told."""
    from galedge.images.arrays import image_with

    try:
        mask = image.mask
    except Exception:  # pyobs's own, where there is none; others have no such attribute
        mask = None
    try:
        return image_with(image.data, image.header, mask)
    except Exception:  # of a header that is out of order: the pixels are classified all the same
        return image.data


def __getattr__(name: str) -> Any:
    """Make `Morphology` when it is asked for: its base is pyobs's, which takes long to import."""
    if name != "Morphology":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    base: type[Any] = need("pyobs.images", "pyobs", f"{__name__}.Morphology").ImageProcessor

    class Morphology(Step, base):  # type: ignore[misc]
        """`Step` as pyobs knows it."""

        __module__ = Pyobs.__module__
        __qualname__ = "Morphology"

        def __init__(self, **settings: Any) -> None:
            own = {key: settings.pop(key) for key in _SETTINGS if key in settings}
            base.__init__(self, **settings)
            Step.__init__(self, **own)

    globals()["Morphology"] = Morphology
    return Morphology


class Pyobs:
    """The answer as header cards."""

    about: ClassVar[str] = "pyobs: a step of its pipelines, which adds the answer to the header"
    packages: ClassVar[tuple[str, ...]] = ("pyobs",)
    install: ClassVar[str] = "pip install 'galedge[pyobs]'"

    @staticmethod
    def tell(result: Result) -> str:
        """Return the cards, a line each."""
        return "\n".join(card.encoded().decode().rstrip() for card in cards_of(result))


ADAPTER: type[Adapter] = Pyobs
