"""A run as figures, a page and text. Nothing is computed here, and no network is run."""

__all__ = []
