"""What a site may carry in place of the hypothesised variables, and how well interventions tell them apart."""

__all__ = []
