"""Studies: from a specification to jobs, from jobs to records, from records to results; run folders, audits, batteries.

Whatever is drawn or printed belongs in `report`.
"""

__all__ = []
