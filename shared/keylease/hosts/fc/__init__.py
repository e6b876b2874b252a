"""Function Compute 3.0: what a trigger hands over, and the two kinds of runtime."""
