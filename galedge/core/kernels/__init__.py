"""The preparation, readable: Numba twins of the C++ core from pixels to tensor.

What the core does for speed is done here for understanding, a module for each
of its sources. The two are tested against each other, these run where the core
is missing, and `galedge.answers.structure` measures within the isophote found here.

Arithmetic is in float32 where the core's is and a decision hangs on it; a bare
literal would silently turn it into float64, hence the many ``np.float32``.
"""

from galedge.core.kernels.appearance import appearances
from galedge.core.kernels.background import background
from galedge.core.kernels.bridge import bridged
from galedge.core.kernels.constant import constant_areas
from galedge.core.kernels.frame import (
    CROPPED,
    NEIGHBOUR,
    NO_SOURCE,
    SMALL,
    centred_frame,
    find_central,
    frame_around,
)
from galedge.core.kernels.mesh import mesh_mode
from galedge.core.kernels.prepare import FAINT, MASKED, Prepared, prepare_one
from galedge.core.kernels.resample import resample
from galedge.core.kernels.sky import border_sky, clipped_mode
from galedge.core.kernels.slope import border_slope
from galedge.core.kernels.sources import central_cells, label_cells
from galedge.core.kernels.stretch import picture, stretch_asinh, stretch_lupton, zscale

__all__ = [
    "CROPPED",
    "FAINT",
    "MASKED",
    "NEIGHBOUR",
    "NO_SOURCE",
    "SMALL",
    "Prepared",
    "appearances",
    "background",
    "border_sky",
    "border_slope",
    "bridged",
    "central_cells",
    "centred_frame",
    "clipped_mode",
    "constant_areas",
    "find_central",
    "frame_around",
    "label_cells",
    "mesh_mode",
    "picture",
    "prepare_one",
    "resample",
    "stretch_asinh",
    "stretch_lupton",
    "zscale",
]
