"""All searches that a study puts to a site: what controls repeat has to be the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from interlocus.alignment.dimensions import Size
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.plugins import FEATURIZERS
from interlocus.networks import AbstractNetworks
from interlocus.searches.engine import solve
from interlocus.searches.request import Request
from interlocus.searches.starts import find_start
from interlocus.studies.spec.study import Study
from interlocus.tasks.splits import DataSplits


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


def reached(
    study: Study,
    networks: AbstractNetworks,
    data: DataSplits,
    *,
    site: str,
    hypothesis: Hypothesis,
    shuffle: bool = False,
) -> list[float]:
    """For each network the best IIA of the whole portfolio, over classes of maps and sizes.

    Args:
        study: whose portfolio it is.
        networks: which are searched.
        data: the examples.
        site: where.
        hypothesis: what for.
        shuffle: with labels of other interventions, from which nothing should be learned.
    """
    best = [0.0] * len(networks)
    for featurizer in study.featurizers_of(hypothesis.name, site):
        sizes = study.sizes_of(hypothesis.name, site)
        request = portfolio(study, site=site, hypotheses=(hypothesis,), sizes=sizes, featurizer=featurizer)
        for finding in solve(networks, data, replace(request, shuffle=shuffle)):
            best[finding.network] = max(best[finding.network], *(one.best.score.iia for one in finding.sizes))
    return best
