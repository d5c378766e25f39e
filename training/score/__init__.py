"""How good an answer is: metrics, strata, volunteers."""
