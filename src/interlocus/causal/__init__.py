"""The high-level side: causal models, hypotheses, examples, interchange interventions, and chance levels by counting.

Nothing here knows a task's encoding, a network or a featurizer.
"""

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, Sampling, draw
from interlocus.causal.model import CausalModel, Variable

__all__ = ["CausalModel", "Examples", "Hypothesis", "Interventions", "Sampling", "Variable", "draw"]
