"""What the user sees: one module a format. Nothing here decides, prints to a terminal of its own choice or exits."""
