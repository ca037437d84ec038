"""The page of a run and the page of a comparison: one file each, with styles, script and figures inside.

What a page shows is computed in `studies.results`; figures are drawn in `report.figures`.
"""

__all__ = []
