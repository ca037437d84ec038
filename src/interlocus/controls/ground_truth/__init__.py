"""Networks of known truth: variables that are planted, wired by hand, left unused, or absent by construction.

Searching these networks belongs in `controls.power` and `controls.negative_controls`.
"""

__all__ = []
