"""Ways to run a schedule: the names it sees, what builds it, what asks it at every step."""
