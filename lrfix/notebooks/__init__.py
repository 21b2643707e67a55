"""Jupyter notebooks: their code cells as one program in order, and the way back to cells and to the file.

The format is read with the standard library alone. ``nbformat`` would be the library for it, but it parses to objects
and writes the file anew, and its schema check takes longer to import than lrfix takes to check a file; here the text
of the file stays what it is, and only the texts of cells that change are put in its place.
"""


def is_notebook(path: str) -> bool:
    """Whether a file is a notebook, by its name. What reads one is imported where there is one."""
    return path.endswith(".ipynb")


__all__ = ["is_notebook"]
