"""The command line: arguments in, calls out. What it prints belongs in `report.terminal`."""

__all__ = []
