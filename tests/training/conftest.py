"""Tests of training need what it needs: the extra [train], and the compiled core."""

from importlib.util import find_spec

import pytest

NEEDED = ("torch", "sklearn", "imblearn", "onnxscript", "matplotlib", "cv2", "skimage", "h5py")


def pytest_pycollect_makemodule() -> None:
    """Leave them out where something is lacking, and say what."""
    for name in (*NEEDED, "numba", "galedge.core._core"):
        if find_spec(name) is None:
            pytest.skip(f"training's tests need {name}", allow_module_level=True)
