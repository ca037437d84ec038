"""The battery: networks of known truth put through whole studies, and how often a verdict's word is wrong."""

__all__ = []
