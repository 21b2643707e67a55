"""Repairs in the user's own code: the smallest edit for a rule's finding, kept only where it is seen to work."""
