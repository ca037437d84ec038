"""Re-use: how well a new question about what an alignment holds is answered from few labels."""

__all__ = []
