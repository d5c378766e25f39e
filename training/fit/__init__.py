"""Training: batches, losses, the loop, teachers and runs."""
