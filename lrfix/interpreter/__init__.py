"""The safe subset of Python that schedules are simulated in. Knows nothing of schedules."""
