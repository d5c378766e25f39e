"""What asv times at every release; see "From release to release" in the README of the folder."""
