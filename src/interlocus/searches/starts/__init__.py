"""Starts: methods that choose the first directions of a search, one file each.

Training from these directions belongs in `searches.engine`.
"""

from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, discretise, fill_with_random
from interlocus.searches.starts.covariance import Covariance
from interlocus.searches.starts.discriminant import Discriminant
from interlocus.searches.starts.gradient import Gradient
from interlocus.searches.starts.mean_difference import MeanDifference
from interlocus.searches.starts.nested import Nested
from interlocus.searches.starts.neurons import Neurons
from interlocus.searches.starts.perturbed import Perturbed, find_start, noise_of
from interlocus.searches.starts.principal import Principal
from interlocus.searches.starts.probe import Probe
from interlocus.searches.starts.random import Random

__all__ = [
    "AbstractStart",
    "Covariance",
    "Directions",
    "Discriminant",
    "Gradient",
    "MeanDifference",
    "Nested",
    "Neurons",
    "Perturbed",
    "Principal",
    "Probe",
    "Random",
    "StartContext",
    "discretise",
    "fill_with_random",
    "find_start",
    "noise_of",
]
