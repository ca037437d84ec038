"""The command line: arguments, exit status and messages of errors.

What a command prints belongs in `report.terminal`, what it does in `studies`.
"""

__all__ = []
