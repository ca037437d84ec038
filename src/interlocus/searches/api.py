"""The function `search` and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size, SizeSpec, size_for
from interlocus.alignment.metrics import Score
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.display import AbstractDisplayable, Display, format_fraction
from interlocus.core.display.dataframes import to_pandas, to_xarray
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.plugins import FEATURIZERS
from interlocus.core.progress import OnProgress
from interlocus.core.statistics import mean_over_networks
from interlocus.featurizers import AbstractFeaturizer
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.searches.callbacks import OnValidation
from interlocus.searches.engine import solve
from interlocus.searches.request import Request
from interlocus.searches.results import ProblemResult, Restarts
from interlocus.searches.starts import AbstractStart, find_start
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import DataSplits

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, kw_only=True, repr=False)
class SearchResult(AbstractDisplayable):
    """The result of a search over networks and sizes.

    Args:
        site: Name of the site that was searched.
        hypothesis: The hypothesis whose variables were searched for.
        featurizer: Name of the featurizer.
        task: The task that the networks solve.
        networks: The networks that were searched.
        seed: Seed of the search.
        results: One result per network, in the order of `networks`.
    """

    site: str
    hypothesis: Hypothesis
    featurizer: str
    task: AbstractTask
    networks: AbstractNetworks
    seed: int
    results: tuple[ProblemResult, ...]

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes that were searched. Unequal sizes are text in the order of the variables, such as `4+2`."""
        return tuple(restarts.size for restarts in self.results[0].sizes)

    @property
    def iia(self) -> Float[np.ndarray, "network size"]:
        """Test IIA of the restart with the highest validation IIA, for each network and size."""
        return np.array([[restarts.best.score.iia for restarts in result.sizes] for result in self.results])

    def restarts(self, *, network: int, size: SizeSpec) -> Restarts:
        """All restarts of one network and size.

        Args:
            network: Index of the network, from 0.
            size: One of `sizes`, also by variable: `{"left": 4, "right": 2}`.

        Raises:
            SpecificationError: this network or size was not searched.
        """
        return self.results[self._network_index(network)].sizes[self._size_index(size)]

    def score(self, *, network: int, size: SizeSpec) -> Score:
        """The test score of the best alignment of one network and size; arguments as in `restarts`."""
        return self.restarts(network=network, size=size).best.score

    def best(self, *, network: int, size: SizeSpec) -> Alignment:
        """The best alignment of one network and size, with read-outs if all variables are discrete.

        Args:
            network: Index of the network, from 0.
            size: One of `sizes`, also by variable: `{"left": 4, "right": 2}`.

        Raises:
            SpecificationError: this network or size was not searched.
        """
        result, own_network = self.results[self._network_index(network)], self.networks[network]
        alignment = Alignment(
            site=self.site,
            hypothesis=self.hypothesis.name,
            variables=self.hypothesis.variables,
            featurizer=self.featurizer,
            network=own_network.fingerprint(),
            task=self.task.name,
            frames=result.frames[self._size_index(size)],
        )
        if any(self.hypothesis.model.variables[name].values is None for name in self.hypothesis.variables):
            return alignment
        with suppress(AlignmentError):  # a rare value cannot be read out, but it can still be exchanged
            return alignment.fitted(own_network, self.task, seed=self.seed)
        return alignment

    def to_rows(self) -> list[dict[str, object]]:
        """One mapping from column to value per network and size."""
        origin = {"site": self.site, "hypothesis": self.hypothesis.name, "featurizer": self.featurizer}
        return [
            {
                "network": result.network,
                **origin,
                "size": restarts.size,
                "iia": restarts.best.score.iia,
                "low": restarts.best.score.low,
                "high": restarts.best.score.high,
                "worst_transition": restarts.best.score.worst_transition,
                "answer_change_rate": restarts.best.score.answer_change_rate,
                "start": restarts.best.start,
                "outcome": restarts.best.outcome,
                "restarts": len(restarts.restarts),
            }
            for result in self.results
            for restarts in result.sizes
        ]

    def to_pandas(self) -> pd.DataFrame:
        """The rows of `to_rows` as a data frame.

        Raises:
            SpecificationError: pandas is not installed.
        """
        return to_pandas(self.to_rows())

    def to_xarray(self) -> xr.Dataset:
        """The rows of `to_rows` as a data set over `network` and `size`.

        Raises:
            SpecificationError: pandas or xarray is not installed.
        """
        origin = {"site": self.site, "hypothesis": self.hypothesis.name, "featurizer": self.featurizer}
        rows = [{name: value for name, value in row.items() if name not in origin} for row in self.to_rows()]
        return to_xarray(rows, ("network", "size")).assign_attrs(origin)

    def display(self) -> Display:
        """A table of the IIA by network and size, with the mean over networks."""
        iia, counts = self.iia, [restarts.best.score.count for restarts in self.results[0].sizes]
        means = [
            mean_over_networks(column, [count] * len(column))
            for column, count in zip(iia.T.tolist(), counts, strict=True)
        ]
        best = max(range(len(means)), key=lambda index: means[index].value)
        networks = f"{len(iia)} network" + ("s" if len(iia) > 1 else "")
        return Display(
            title=f"{self.hypothesis.name} at {self.site} with the featurizer {self.featurizer}, {networks}: "
            f"IIA {means[best]} at size {self.sizes[best]}",
            columns=("network", *(f"size {size}" for size in self.sizes)),
            rows=(
                (
                    "mean",
                    *(
                        f"{format_fraction(m.value)} [{format_fraction(m.low)}, {format_fraction(m.high)}]"
                        for m in means
                    ),
                ),
                *(
                    (str(r.network), *map(format_fraction, row))
                    for r, row in zip(self.results, iia.tolist(), strict=True)
                ),
            ),
            notes=("Test IIA of the restart with the highest validation IIA; mean with 95 % interval.",),
        )

    def _network_index(self, network: int) -> int:
        if network not in range(len(self.results)):
            raise SpecificationError(
                f"Network {network} was not searched.",
                f"The search had {len(self.results)} networks, counted from 0.",
                f"Pass a number from 0 to {len(self.results) - 1}.",
            )
        return network

    def _size_index(self, written: SizeSpec) -> int:
        size = size_for(written, self.hypothesis.variables, self.hypothesis.name)
        if size not in self.sizes:
            raise SpecificationError(
                f"Size {size} was not searched.",
                f"The search had the sizes {', '.join(map(str, self.sizes))}.",
                "Pass one of those, or search again with this size.",
            )
        return self.sizes.index(size)


def search(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    sizes: Sequence[SizeSpec] = (1, 2, 4, 8),
    featurizer: str | AbstractFeaturizer = "rotation",
    starts: Mapping[str | AbstractStart, int] | Mapping[str, int] = STARTS_BY_DEFAULT,
    phases: Sequence[Phase] = (Phase(),),
    budget: Budget | None = None,
    seed: int = 0,
    shuffle: bool = False,
    on_progress: OnProgress = lambda share: None,
    on_validation: OnValidation | None = None,
) -> SearchResult:
    """Search a site of trained networks for the directions that hold the variables of a hypothesis.

    Args:
        networks: One or more networks of equal shape. All are searched at once.
        task: The task that the networks solve, with the causal models of its hypotheses.
        hypothesis: Name of one of the task's hypotheses.
        site: Name of the site, a key of `networks.sites`.
        sizes: Features per variable, each entry searched by itself: an integer from 1 for all variables, or one integer
            per variable, as `{"left": 4, "right": 2}` or `"4+2"`. Their sum may not exceed the width of the site.
        featurizer: The featurizer, by its registered name (`interlocus list`) or as an object.
        starts: Number of restarts of each start, by its registered name or as an object. The name `covariance+0.1`
            adds noise of standard deviation 0.1 to the start `covariance`. By default two random starts and one
            covariance start.
        phases: Phases of training, in order. By default one phase of at most 1,000 steps.
        budget: Sample sizes, validation and stopping rules; `None` for `Budget()`.
        seed: Seed of everything that is drawn. Equal seeds give equal results on one machine.
        shuffle: A control: train and validate on the labels of other interventions. The test score uses the true
            labels.
        on_progress: Called with the share of the work that is done, from 0 to 1. `il.show_progress()` draws a bar.
        on_validation: Called with a `Validation` after every validation; `None` for no call. `il.TensorBoard(folder)`
            writes curves. A callback cannot change the result.

    Raises:
        UnknownNameError: the hypothesis, site, featurizer, start or a variable in `sizes` is not known.
        SpecificationError: a size does not fit the site, or the networks do not fit the task.
        NetworkError: a network has activations that are not finite.

    Source: distributed alignment search, arXiv 2303.02536, section 3.
    """
    check_fit(networks, task)
    target = task.hypothesis(hypothesis)
    request = Request(
        site=site,
        hypotheses=(target,),
        sizes=tuple(size_for(size, target.variables, hypothesis) for size in sizes),
        featurizer=FEATURIZERS.get(featurizer)() if isinstance(featurizer, str) else featurizer,
        starts=tuple((find_start(start), count) for start, count in starts.items()),
        phases=tuple(phases),
        budget=budget or Budget(),
        seed=seed,
        shuffle=shuffle,
        on_validation=on_validation,
    )
    return _run(networks, task, request, on_progress)


def _run(networks: AbstractNetworks, task: AbstractTask, request: Request, on_progress: OnProgress) -> SearchResult:
    """Draw the data, run a request with one hypothesis, and wrap its results."""
    request.check(networks)
    (hypothesis,) = request.hypotheses
    data = DataSplits.draw(task, request.budget, seed=request.seed, hypotheses=(hypothesis.name,))
    results = solve(networks, data, request, on_progress=on_progress)
    on_progress(1.0)
    return SearchResult(
        site=request.site,
        hypothesis=hypothesis,
        featurizer=request.featurizer.name,
        task=task,
        networks=networks,
        seed=request.seed,
        results=tuple(results),
    )
