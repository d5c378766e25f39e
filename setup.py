"""Builds the C++ extension; everything else stands in pyproject.toml."""

from __future__ import annotations

import os
from glob import glob

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup

DEFLATE = "csrc/third_party/libdeflate"

# Reproducible arithmetic: no fused multiply-add behind our back and no
# -ffast-math (NaN is data), so that every instruction set gives the same bits.
FLAGS = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
FLAGS += ["-Wall", "-Wextra"]
LINK: list[str] = []

if sanitize := os.environ.get("GALEDGE_SANITIZE"):  # for example "address,undefined"
    SANITIZE = [f"-fsanitize={sanitize}", "-fno-omit-frame-pointer", "-g", "-O1"]
    FLAGS += [*SANITIZE, "-fno-sanitize-recover=all"]
    LINK += [f"-fsanitize={sanitize}"]

ParallelCompile("GALEDGE_BUILD_JOBS", default=0).install()

# GALEDGE_PURE=1 leaves the core out: a wheel for any platform, which prepares by
# Numba and says that it is slower.
PURE = bool(os.environ.get("GALEDGE_PURE"))

setup(
    libraries=[]
    if PURE
    else [
        (
            "galedge_deflate",
            {
                "sources": sorted(glob(f"{DEFLATE}/lib/**/*.c", recursive=True)),
                "include_dirs": [DEFLATE],
                "cflags": ["-O3", "-fPIC", "-fvisibility=hidden"],
            },
        )
    ],
    ext_modules=[]
    if PURE
    else [
        Pybind11Extension(
            "galedge.core._core",
            sorted(glob("csrc/*.cpp")),
            include_dirs=["csrc", DEFLATE],
            depends=glob("csrc/*.hpp") + glob("csrc/*.inl"),
            extra_compile_args=FLAGS,
            extra_link_args=LINK,
            cxx_std=17,
        )
    ],
)
