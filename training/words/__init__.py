"""What is learned: tasks as data, and what the rows of a data set tell of them."""
