"""Networks of known truth: a variable is planted, wired by hand, held as an unused copy, or absent by construction.

Searches of these networks belong in `controls.power` and `controls.nulls.negative_controls`.
"""

__all__ = []
