"""Starts: where a search begins."""

from interlocus.starts._base import AbstractStart, Sight
from interlocus.starts.codes import coded
from interlocus.starts.covariance import Covariance
from interlocus.starts.discriminant import Discriminant
from interlocus.starts.gradient import Gradient
from interlocus.starts.mean_difference import MeanDifference
from interlocus.starts.near import Near, find_start, noise_of
from interlocus.starts.nested import Nested
from interlocus.starts.neurons import Neurons
from interlocus.starts.principal import Principal
from interlocus.starts.probe import Probe
from interlocus.starts.random import Random

__all__ = [
    "AbstractStart",
    "Covariance",
    "Discriminant",
    "Gradient",
    "MeanDifference",
    "Near",
    "Nested",
    "Neurons",
    "Principal",
    "Probe",
    "Random",
    "Sight",
    "coded",
    "find_start",
    "noise_of",
]
