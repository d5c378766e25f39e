"""What has nothing to do with galaxies: files that appear whole, threads, optional packages."""
