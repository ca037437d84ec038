"""All searches that a study puts to a site, as one request: what controls repeat has to be the same."""

from __future__ import annotations

from collections.abc import Sequence

from interlocus.causal import Hypothesis
from interlocus.engine import Request
from interlocus.registry import FEATURIZERS, STARTS
from interlocus.study import Study


def portfolio(
    study: Study,
    *,
    site: str,
    hypotheses: Sequence[Hypothesis],
    sizes: Sequence[int],
    featurizer: str,
    seed: int | None = None,
) -> Request:
    """The starts, phases and budget of a study, at one site.

    Args:
        study: whose.
        site: where.
        hypotheses: what for; all with equally many variables.
        sizes: features a variable.
        featurizer: the class of maps, by name.
        seed: by default the study's.
    """
    return Request(
        site=site,
        hypotheses=tuple(hypotheses),
        sizes=tuple(sizes),
        featurizer=FEATURIZERS.get(featurizer)(),
        starts=tuple((STARTS.get(name)(), count) for name, count in study.starts.items()),
        phases=study.phases,
        budget=study.budget,
        seed=study.seed if seed is None else seed,
    )
