"""From records to results: tables, summaries, verdicts, answers and comparisons, all of them values.

What is searched belongs in `studies.jobs`, and what is drawn or printed belongs in `report`.
"""

__all__ = []
