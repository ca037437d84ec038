"""The specification of a study, as a person writes it, with every key checked before any work is done.

What a study costs and how it is run belongs in `studies.plan` and `studies.pipeline`.
"""

__all__ = []
