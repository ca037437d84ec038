"""All searches that a study puts to a site, as one request: what controls repeat has to be the same."""

from __future__ import annotations

from collections.abc import Sequence

from interlocus.causal import Hypothesis
from interlocus.registry import FEATURIZERS
from interlocus.request import Request
from interlocus.size import Size
from interlocus.starts import find_start
from interlocus.study import Study


def portfolio(
    study: Study,
    *,
    site: str,
    hypotheses: Sequence[Hypothesis],
    sizes: Sequence[Size],
    featurizer: str,
    schedule: str | None = None,
    seed: int | None = None,
) -> Request:
    """The starts, phases and budget of a study, at one site.

    Args:
        study: whose.
        site: where.
        hypotheses: what for; all with equally many variables.
        sizes: features a variable.
        featurizer: the class of maps, by name.
        schedule: which, of the study's; by default the one that verdicts rest on.
        seed: by default the study's.
    """
    schedule = study.schedule if schedule is None else schedule
    return Request(
        site=site,
        hypotheses=tuple(hypotheses),
        sizes=tuple(sizes),
        featurizer=FEATURIZERS.get(featurizer)(),
        starts=tuple((find_start(name), count) for name, count in study.starts_of(schedule).items()),
        phases=study.phases_of(schedule),
        budget=study.budget,
        seed=study.seed if seed is None else seed,
    )
