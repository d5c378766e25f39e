"""FITS without the core: plain and gzipped images by NumPy, tiles by astropy.

What ``csrc/`` does, a module for each of its sources, with the same rules:
nothing in a header is trusted, and the bytes that are needed are compared with
those present before anything is allocated.
"""
