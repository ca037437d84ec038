"""Starts: where a search begins."""

from interlocus.starts._base import AbstractStart, Sight
from interlocus.starts.codes import coded
from interlocus.starts.covariance import Covariance
from interlocus.starts.random import Random

__all__ = ["AbstractStart", "Covariance", "Random", "Sight", "coded"]
