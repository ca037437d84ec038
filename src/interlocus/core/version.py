"""The version of the library: stored in records, printed in reports."""

__version__ = "0.2.0"
