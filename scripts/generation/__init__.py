"""Documents that are made from the definitions in the code, so that the two cannot differ.

A generated document is a function without arguments that returns the whole file; `documents` lists them by their path.
"""

from scripts.generation.documents import DOCUMENTS, outdated, write

__all__ = ["DOCUMENTS", "outdated", "write"]
