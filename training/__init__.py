"""Training: from labelled galaxies to a model bundle. `python -m training --help`."""
