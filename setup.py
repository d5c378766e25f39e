"""Builds the C++ extension; everything else stands in pyproject.toml."""

from __future__ import annotations

import os
from glob import glob

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import setup
from setuptools.command.build_clib import build_clib

DEFLATE = "csrc/third_party/libdeflate"

# Reproducible arithmetic: no fused multiply-add behind our back and no
# -ffast-math (NaN is data), so that every instruction set gives the same bits.
FLAGS = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
FLAGS += ["-Wall", "-Wextra"]
LINK: list[str] = []
LIBRARY = ["-O3", "-fPIC", "-fvisibility=hidden"]

# MSVC compiles the hot loops for baseline x86-64 alone, see csrc/compiler.hpp; GCC and
# clang-cl for all three instruction sets.
MSVC = ["/O2", "/fp:precise", "/utf-8", "/W3", "/DNOMINMAX", "/D_CRT_SECURE_NO_WARNINGS"]
MSVC_LIBRARY = ["/O2", "/W0"]
# GCC for Windows puts vectors of 32 and 64 bytes on a stack of 16 (its bug 54412): the
# assembler is told to move them as if anywhere. Nothing of GCC's is to be found at run time.
MINGW = ["-Wa,-muse-unaligned-vector-move"]
MINGW_LINK = ["-static"]

if sanitize := os.environ.get("GALEDGE_SANITIZE"):  # for example "address,undefined"
    SANITIZE = [f"-fsanitize={sanitize}", "-fno-omit-frame-pointer", "-g", "-O1"]
    FLAGS += [*SANITIZE, "-fno-sanitize-recover=all"]
    LINK += [f"-fsanitize={sanitize}"]


class BuildExtension(build_ext):
    """Compiles by what the compiler at hand understands."""

    def build_extensions(self) -> None:
        """Set the flags, which are known only once the compiler is."""
        for extension in self.extensions:
            if self.compiler.compiler_type == "msvc":
                extension.extra_compile_args += MSVC
            else:
                extension.extra_compile_args += FLAGS
            if self.compiler.compiler_type == "mingw32":
                extension.extra_compile_args += MINGW
                extension.extra_link_args += MINGW_LINK
        super().build_extensions()


class BuildLibrary(build_clib):
    """The same for libdeflate."""

    def build_libraries(self, libraries: list) -> None:
        """Set the flags of each library."""
        for _, made in libraries:
            is_msvc = self.compiler.compiler_type == "msvc"
            made["cflags"] = MSVC_LIBRARY if is_msvc else LIBRARY
        super().build_libraries(libraries)


ParallelCompile("GALEDGE_BUILD_JOBS", default=0).install()

# GALEDGE_PURE=1 leaves the core out: a wheel for any platform, which prepares by
# Numba and says that it is slower.
PURE = bool(os.environ.get("GALEDGE_PURE"))

setup(
    cmdclass={"build_ext": BuildExtension, "build_clib": BuildLibrary},
    libraries=[]
    if PURE
    else [
        (
            "galedge_deflate",
            {
                "sources": sorted(glob(f"{DEFLATE}/lib/**/*.c", recursive=True)),
                "include_dirs": [DEFLATE],
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
            extra_link_args=LINK,
            cxx_std=17,
        )
    ],
)
