"""From records to results: tables, verdicts, answers, comparisons. Values only; nothing is searched or drawn here."""

__all__ = []
