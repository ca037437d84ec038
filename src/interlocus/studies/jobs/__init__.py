"""The functions that workers run, one for each kind of job.

Arguments and results are values that can be sent to another machine; the driver writes the files. Each function takes
`on_progress` last and calls it with the share of the job that is done.
"""

from interlocus.studies.jobs.controls import control_job
from interlocus.studies.jobs.extras import projection_job, reuse_job
from interlocus.studies.jobs.networks import planting_job, train_networks
from interlocus.studies.jobs.progress import OnShare
from interlocus.studies.jobs.search import search_job

__all__ = ["OnShare", "control_job", "planting_job", "projection_job", "reuse_job", "search_job", "train_networks"]
