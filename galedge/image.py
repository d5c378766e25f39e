"""The public name of `galedge.images.image`: `read`, `cutout`, `describe`, `checksums`."""

from galedge.images.image import *  # noqa: F403
from galedge.images.image import __all__ as __all__
