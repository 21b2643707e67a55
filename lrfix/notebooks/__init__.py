"""Jupyter notebooks: their code cells as one program in order, and the way back to cells and to the file.

The format is read with the standard library alone. ``nbformat`` would be the library for it, but it parses to objects
and writes the file anew, and its schema check takes longer to import than lrfix takes to check a file; here the text
of the file stays what it is, and only the texts of cells that change are put in its place.
"""

from lrfix.notebooks.notebook import Notebook, NotebookError, is_notebook, read_notebook

__all__ = ["Notebook", "NotebookError", "is_notebook", "read_notebook"]
