"""The public name of `galedge.images.background`: smooth maps of sky and noise."""

from galedge.images.background import *  # noqa: F403
from galedge.images.background import __all__ as __all__
