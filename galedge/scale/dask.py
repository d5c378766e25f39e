"""The public name of `galedge.nights.scale.dask`: directories on a Dask cluster."""

from galedge.nights.scale.dask import *  # noqa: F403
from galedge.nights.scale.dask import __all__ as __all__
