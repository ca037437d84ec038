"""Alignments: maps from activations to variables, with their scores, interventions, files and exports.

The search for an alignment belongs in `searches`, the meaning of its score in `controls`.
"""

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.export import export
from interlocus.alignment.metrics import Score
from interlocus.alignment.pyvene import from_pyvene, to_pyvene

__all__ = ["Alignment", "Score", "evaluate", "export", "from_pyvene", "to_pyvene"]
