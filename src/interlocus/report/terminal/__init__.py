"""What the command line prints: progress, tables, answers."""

__all__ = []
