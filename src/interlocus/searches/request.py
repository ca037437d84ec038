"""What is asked of the engine at one site."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from interlocus.alignment.dimensions import Size, check_room, features_of
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import check_sampling
from interlocus.core.errors import SpecificationError
from interlocus.featurizers import AbstractFeaturizer, check_width
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget, Phase, check_phases
from interlocus.searches.callbacks import OnValidation
from interlocus.searches.starts import AbstractStart


class SearchKey(NamedTuple):
    """A search of a problem: how many features, from where, and which of several."""

    size: Size
    start: AbstractStart
    restart: int


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of the engine at one site.

    Args:
        site: where.
        hypotheses: what for; all with equally many variables.
        sizes: features a variable, each of which is searched; unequal ones in the order of the variables.
        featurizer: the class of maps.
        starts: where searches begin, and how many of each.
        phases: how they go on.
        budget: how much they may cost.
        seed: decides on everything that is drawn.
        shuffle: learn and choose by labels that belong to other interventions, and score by the true ones: a control.
        on_validation: is shown every validation.
    """

    site: str
    hypotheses: tuple[Hypothesis, ...]
    sizes: tuple[Size, ...]
    featurizer: AbstractFeaturizer
    starts: tuple[tuple[AbstractStart, int], ...]
    phases: tuple[Phase, ...]
    budget: Budget
    seed: int
    shuffle: bool = False
    on_validation: OnValidation | None = None

    @property
    def variables(self) -> int:
        """How many variables each hypothesis has."""
        return len(self.hypotheses[0].variables)

    @cached_property
    def features(self) -> dict[Size, tuple[int, ...]]:
        """For each size how many features each variable has."""
        return {size: features_of(size, self.variables) for size in self.sizes}

    @property
    def most(self) -> int:
        """Features of the variable that has most at any size."""
        return max(max(features) for features in self.features.values())

    @cached_property
    def search_list(self) -> tuple[SearchKey, ...]:
        """The searches of a problem."""
        return tuple(
            SearchKey(size, start, restart)
            for size in self.sizes
            for start, count in self.starts
            for restart in range(count)
        )

    @cached_property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """Places in the lineup of the searches that begin together: first those that follow no others."""
        first, second = (
            tuple(place for place, entry in enumerate(self.search_list) if entry.start.follows == follows)
            for follows in (False, True)
        )
        return tuple(stage for stage in (first, second) if stage)

    def check(self, networks: AbstractNetworks) -> None:
        """Say what cannot work before anything is spent.

        Raises:
            UnknownNameError: the networks have no such site.
            SpecificationError: hypotheses of unequal shape, no start, sizes that do not fit the site, or more sets of
                neurons than are tried.
        """
        width = networks.width(self.site)
        check_phases(self.phases)
        for phase, hypothesis in itertools.product(self.phases, self.hypotheses):
            check_sampling(hypothesis, phase.sampling)
        if len({len(hypothesis.variables) for hypothesis in self.hypotheses}) != 1 or not self.search_list:
            raise SpecificationError(
                f"{len(self.hypotheses)} hypotheses, {len(self.sizes)} sizes and {len(self.starts)} starts are asked.",
                "Searches that are stacked have equally many variables, and at least one size and start.",
                "Ask for hypotheses with different numbers of variables one by one.",
            )
        check_width(self.featurizer, self.site, width)
        for size, hypothesis in itertools.product(self.sizes, self.hypotheses):
            check_room(
                size,
                hypothesis.variables,
                about=f"{hypothesis.name!r} at {self.site!r}",
                width=width,
                overlapping=self.featurizer.overlapping,
            )
        for (start, _), features in itertools.product(self.starts, self.features.values()):
            start.check(width, features)
