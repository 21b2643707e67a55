"""What is asked of the runs of one schedule."""
