"""Executors: where the work items of a run are done, in this process, in processes of this machine, or elsewhere.

What a work item does belongs in `studies.jobs`.
"""

from interlocus.studies.executors._base import AbstractExecutor, JobOutcome, OnItemProgress, WorkItem
from interlocus.studies.executors.local import Local

__all__ = ["AbstractExecutor", "JobOutcome", "Local", "OnItemProgress", "WorkItem"]
