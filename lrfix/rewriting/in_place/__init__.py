"""Schedules that stay where they are: the statements that compute a rate become one call of a pure function.

The loop, the signature, what is printed, logged and returned stay as they were.
"""
