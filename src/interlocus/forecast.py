"""What a study will cost, before it is begun."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from interlocus.plan import jobs
from interlocus.study import Study
from interlocus.threads import one_thread

SEARCH_SHARE = 0.35
"""Of the rate of a bare product, what a search reaches in all (measured; see docs/LOG.md)."""
TRAIN_SHARE = 0.35
RETIRED = 0.6
"""The share of the steps that is made before searches retire (measured on the default study)."""
START_SECONDS = 4.0


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a study will cost.

    Args:
        networks: how many are made.
        trials: how many records there will be.
        searches: how many searches.
        training_seconds: for the networks.
        searching_seconds: for the searches.
    """

    networks: int
    trials: int
    searches: int
    training_seconds: float
    searching_seconds: float

    @property
    def seconds(self) -> float:
        """All in all."""
        return START_SECONDS + self.training_seconds + self.searching_seconds


def forecast(study: Study, *, workers: int) -> Forecast:
    """Count the work of a study, and measure for a moment how fast this machine is."""
    work, rate = jobs(study), _rate()
    task = study.task.build()
    train = [f.count * f.kind.flops_of_training(task) for f in study.families if f.trained]
    spread = max(sum(train) / workers, max(train, default=0.0))
    return Forecast(
        networks=sum(family.count for family in study.families),
        trials=sum(len(job.trials) for job in work),
        searches=sum(job.searches(study) for job in work),
        training_seconds=spread / (rate * TRAIN_SHARE),
        searching_seconds=RETIRED * sum(job.cost(study) for job in work) / (rate * SEARCH_SHARE * workers),
    )


def _rate(seconds: float = 0.1) -> float:
    """Floating-point operations a second of batched products of the size that searches need, on one core."""
    left, right, out = torch.ones(60, 16, 16), torch.ones(60, 16, 512), torch.empty(60, 16, 512)
    with one_thread():
        torch.bmm(left, right, out=out)
        begun, rounds = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            torch.bmm(left, right, out=out)
            rounds += 1
    return rounds * 2.0 * 60 * 16 * 16 * 512 / (time.perf_counter() - begun)
