"""FITS without the core, by NumPy and zlib; only RICE_1 needs Numba.

What ``csrc/`` does, a module for each of its sources, with the same rules:
nothing in a header is trusted, and the bytes that are needed are compared with
those present before anything is allocated.
"""
