"""numpy's and torch's small arrays, as values of our own."""
