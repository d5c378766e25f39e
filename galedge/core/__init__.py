"""Pixels to tensors: the compiled core, its readable twins, the choice between them."""
