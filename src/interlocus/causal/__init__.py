"""What a network may compute: causal models, hypotheses, examples, interchange interventions and chance levels.

A task's encoding, networks and featurizers do not belong here: everything is stated in values of causal variables.
"""

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, Sampling, draw
from interlocus.causal.model import CausalModel, Variable

__all__ = ["CausalModel", "Examples", "Hypothesis", "Interventions", "Sampling", "Variable", "draw"]
