"""Controls: measurements beside a search, which distinguish a variable from other causes of a high or low score.

What a control means for a verdict belongs in `verdicts`; files of a run belong in `studies`.
"""

__all__ = []
