"""Finds whether, where and in how few dimensions a trained network computes a hypothesised intermediate variable."""

__version__ = "0.1.0"
