"""Pictures with labels: surveys' forms, splits, duplicates, packs."""
