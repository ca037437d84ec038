"""What the command line prints: progress, tables and answers, as text or as JSON.

Arguments and exit codes belong in `cli`.
"""

__all__ = []
