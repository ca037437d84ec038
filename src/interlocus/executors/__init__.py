"""Executors: where work is done."""

from interlocus.executors._base import AbstractExecutor, Task
from interlocus.executors.local import Local

__all__ = ["AbstractExecutor", "Local", "Task"]
