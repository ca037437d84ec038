"""Verdicts: numbers in, words out. The words, what they look at, the rules, the evidence, and the answer of a network.

Nothing here may import torch, a network or the engine.
"""

__all__ = []
