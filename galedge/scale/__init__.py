"""The public names of `galedge.nights.scale`: beyond one machine."""
