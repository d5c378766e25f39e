"""What answers: a bundle's card, the engines that run it, and what its outputs mean."""
