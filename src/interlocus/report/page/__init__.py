"""The page of a run and the page of a comparison: one file each, with styles, scripts and figures inside."""

__all__ = []
