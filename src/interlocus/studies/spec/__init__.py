"""A study as a person writes it, with every key checked before work is spent.

What a study costs and how it is run belongs in `studies.plan` and `studies.pipeline`.
"""

__all__ = []
