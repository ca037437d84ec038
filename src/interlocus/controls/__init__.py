"""Controls: what is measured beside a search, so that a score can be told from what only looks like one.

What a control means for a verdict belongs in `verdicts`; files of a run belong in `studies`.
"""

__all__ = []
