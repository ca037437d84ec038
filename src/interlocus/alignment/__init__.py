"""Alignments: maps with the variables they hold, how they score, read and write, how they are kept and exported.

How an alignment is found belongs in `searches`; what its score is worth belongs in `controls`.
"""

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.metrics import Score
from interlocus.alignment.pyvene import from_pyvene, to_pyvene

__all__ = ["Alignment", "Score", "evaluate", "from_pyvene", "to_pyvene"]
