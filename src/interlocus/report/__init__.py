"""Shows a run as figures, as a page and as text.

Nothing is computed here and no network is run: numbers come from `studies.results`, words from `verdicts.words`.
"""

__all__ = []
