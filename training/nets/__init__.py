"""Networks and what they are built of."""
