"""The request of a search: everything that the engine needs to know besides networks and data."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from interlocus.alignment.dimensions import Size, check_size_fits, features_of
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import check_sampling
from interlocus.core.errors import SpecificationError
from interlocus.featurizers import AbstractFeaturizer, check_width
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget, Phase, check_phases
from interlocus.searches.callbacks import OnValidation
from interlocus.searches.starts import AbstractStart, Directions


class SearchKey(NamedTuple):
    """One search of a problem.

    Args:
        size: Features per variable: an integer, or text such as `4+2`.
        start: The start that gives the first directions.
        restart: Index among the restarts of this start and size, from 0.
    """

    size: Size
    start: AbstractStart
    restart: int


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to search one site for the variables of one or more hypotheses.

    Args:
        site: Name of the site, a key of `networks.sites`.
        hypotheses: The hypotheses to search for, at least one; all have the same number of variables.
        sizes: The sizes to search, features per variable; unequal sizes are in the order of the variables.
        featurizer: The featurizer that is fitted.
        starts: Pairs of a start and its number of restarts, for each size.
        phases: The phases of every search, in order.
        budget: Sample sizes, validation and stopping rules.
        seed: Seed of everything that is drawn.
        shuffle: Whether training and validation use the labels of other interventions, as a control. Test scores
            always use the true labels.
        on_validation: Called after every validation; `None` for no call.
        known: For each network the directions of each variable that a start may begin from; empty for none.
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
    known: tuple[Directions, ...] = ()

    @property
    def variables(self) -> int:
        """Number of variables of each hypothesis."""
        return len(self.hypotheses[0].variables)

    @cached_property
    def features(self) -> dict[Size, tuple[int, ...]]:
        """For each size the number of features of each variable."""
        return {size: features_of(size, self.variables) for size in self.sizes}

    @property
    def most_features(self) -> int:
        """Largest number of features of a variable, over all sizes."""
        return max(max(features) for features in self.features.values())

    @cached_property
    def search_list(self) -> tuple[SearchKey, ...]:
        """The searches that are run for every problem."""
        return tuple(
            SearchKey(size, start, restart)
            for size in self.sizes
            for start, count in self.starts
            for restart in range(count)
        )

    @cached_property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """Indices into `search_list` of the searches that start together.

        Searches whose start uses the results of other searches are in the second stage.
        """
        first, second = (
            tuple(index for index, key in enumerate(self.search_list) if key.start.follows == follows)
            for follows in (False, True)
        )
        return tuple(stage for stage in (first, second) if stage)

    def check(self, networks: AbstractNetworks) -> None:
        """Reject a request that cannot work, before any computation.

        Args:
            networks: The networks that are to be searched.

        Raises:
            UnknownNameError: the networks have no such site.
            SpecificationError: the hypotheses have different numbers of variables, there is no start, a size does not
                fit the site, or a start would have to try too many sets of neurons.
        """
        width = networks.width(self.site)
        check_phases(self.phases)
        for phase, hypothesis in itertools.product(self.phases, self.hypotheses):
            check_sampling(hypothesis, phase.sampling)
        if len({len(hypothesis.variables) for hypothesis in self.hypotheses}) != 1 or not self.search_list:
            raise SpecificationError(
                f"The request has {len(self.hypotheses)} hypotheses, {len(self.sizes)} sizes and "
                f"{len(self.starts)} starts.",
                "Hypotheses that are searched together need equally many variables, at least one size and one start.",
                "Search hypotheses with different numbers of variables separately.",
            )
        check_width(self.featurizer, self.site, width)
        for size, hypothesis in itertools.product(self.sizes, self.hypotheses):
            check_size_fits(
                size,
                hypothesis.variables,
                where=f"{hypothesis.name!r} at {self.site!r}",
                width=width,
                overlapping=self.featurizer.overlapping,
            )
        for (start, _), features in itertools.product(self.starts, self.features.values()):
            start.check(width, features)
