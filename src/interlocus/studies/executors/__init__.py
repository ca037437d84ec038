"""Executors: where work is done."""

from interlocus.studies.executors._base import AbstractExecutor, WorkItem
from interlocus.studies.executors.local import Local

__all__ = ["AbstractExecutor", "Local", "WorkItem"]
