"""Searches for alignments: what is searched, where searches begin, the one loop, and what comes out.

The package is called `searches` because `interlocus.search` is the function. Controls and studies stand above it and
use `Portfolio`; nothing here reads or writes a run folder.
"""

from interlocus.searches.api import SearchResult, search
from interlocus.searches.budget import Budget, Phase
from interlocus.searches.callbacks import TensorBoard, Validation
from interlocus.searches.results import ProblemResult, Restart, Restarts

__all__ = [
    "Budget",
    "Phase",
    "ProblemResult",
    "Restart",
    "Restarts",
    "SearchResult",
    "TensorBoard",
    "Validation",
    "search",
]
