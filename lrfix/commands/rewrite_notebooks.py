"""Notebooks among the files of ``lrfix rewrite``: rewritten as the program of their cells, put back cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lrfix.notebooks import is_notebook
from lrfix.notebooks.notebook import Notebook, NotebookError, read_notebook
from lrfix.rewriting.model import FileRewrite


def notebooks_among(files: Sequence[tuple[str, bytes]]) -> tuple[dict[str, Notebook], dict[str, FileRewrite]]:
    """The notebooks among the files by path, and the answers for those that are not to be rewritten."""
    notebooks: dict[str, Notebook] = {}
    unread: dict[str, FileRewrite] = {}
    for path, raw in files:
        if not is_notebook(path):
            continue
        try:
            notebook = read_notebook(raw)
            notebook.program.encode()
        except NotebookError as error:
            unread[path] = FileRewrite(path, "", "", error=error.message, error_kind=error.kind)
        except UnicodeEncodeError:
            unread[path] = FileRewrite(path, "", "", error="its texts are no Unicode", error_kind="encoding")
        else:
            if notebook.language == "python":
                notebooks[path] = notebook
            else:
                unread[path] = FileRewrite(path, "", "", skipped=f"a notebook in {notebook.language}")
    return notebooks, unread


def in_cells(result: FileRewrite, notebooks: Mapping[str, Notebook]) -> FileRewrite:
    """The result, left undone where it cannot be put back into the cells of its notebook."""
    notebook = notebooks.get(result.path)
    if notebook is None:
        return result
    if result.error is not None:
        return replace(result, error=notebook.in_cells(result.error))
    try:
        notebook.changes(result.after)
    except NotebookError as error:
        message = f"{error.message}; the notebook is left as it is"
        return replace(result, after=result.before, sites=(), error=message, error_kind="io")
    return result


__all__ = ["in_cells", "notebooks_among"]
