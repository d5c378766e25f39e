"""What is learned: classes, T-types and features, and what catalogues' rows say of them."""
