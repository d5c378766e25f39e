"""The public name of `galedge.core.kernels`: the preparation, readable, by Numba."""

from galedge.core.kernels import *  # noqa: F403
from galedge.core.kernels import __all__ as __all__
