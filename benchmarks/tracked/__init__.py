"""What is timed at every release, by asv; `benchmarks/history` keeps what it found."""
