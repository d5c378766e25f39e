"""Many galaxies in one image: coordinates, source lists, detection, cutouts."""
