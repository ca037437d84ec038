"""Searches for alignments: requests, starts, the training loop and its results.

Nothing here reads or writes a run folder, and nothing here decides what a score means: that belongs in `studies` and
`controls`. The package is called `searches` because `interlocus.search` is the function.
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
