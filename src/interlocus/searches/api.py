"""Searching and scoring from Python, for networks in hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size, SizeSpec, size_for
from interlocus.alignment.metrics import Score
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.dataframes import to_pandas, to_xarray
from interlocus.core.display import AbstractDisplayable, Display, format_fraction
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.plugins import FEATURIZERS
from interlocus.core.progress import OnProgress
from interlocus.core.statistics import bootstrap_over_networks
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
    """What a search over networks and sizes found.

    Args:
        site: where.
        hypothesis: what for.
        featurizer: the class of maps.
        task: what the networks solve.
        networks: where was searched.
        seed: of the search.
        findings: one a network.
    """

    site: str
    hypothesis: Hypothesis
    featurizer: str
    task: AbstractTask
    networks: AbstractNetworks
    seed: int
    findings: tuple[ProblemResult, ...]

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes that were searched; unequal ones as text, in the order of the variables: `4+2`."""
        return tuple(entry.size for entry in self.findings[0].sizes)

    @property
    def iia(self) -> Float[np.ndarray, "network size"]:
        """Test IIA of the restart that is best by validation."""
        return np.array([[entry.best.score.iia for entry in finding.sizes] for finding in self.findings])

    def restarts(self, *, network: int, size: SizeSpec) -> Restarts:
        """All restarts of one network and size, which may be given by variable: `{"left": 4, "right": 2}`.

        Raises:
            SpecificationError: that network or size was not searched.
        """
        return self.findings[self._network(network)].sizes[self._place(size)]

    def score(self, *, network: int, size: SizeSpec) -> Score:
        """The score of the best alignment of one network and size."""
        return self.restarts(network=network, size=size).best.score

    def best(self, *, network: int, size: SizeSpec) -> Alignment:
        """The best alignment of one network and size, with read-outs for variables that have values to tell apart.

        Raises:
            SpecificationError: that network or size was not searched.
        """
        finding, own = self.findings[self._network(network)], self.networks[network]
        alignment = Alignment(
            site=self.site,
            hypothesis=self.hypothesis.name,
            variables=self.hypothesis.variables,
            featurizer=self.featurizer,
            network=own.fingerprint(),
            task=self.task.name,
            frames=finding.frames[self._place(size)],
        )
        if any(self.hypothesis.model.variables[name].values is None for name in self.hypothesis.variables):
            return alignment
        with suppress(AlignmentError):  # a value that hardly occurs has no read-out, and can be exchanged all the same
            return alignment.fitted(own, self.task, seed=self.seed)
        return alignment

    def to_rows(self) -> list[dict[str, Any]]:
        """One mapping a network and size, for a table."""
        about = {"site": self.site, "hypothesis": self.hypothesis.name, "featurizer": self.featurizer}
        return [
            {
                "network": finding.network,
                **about,
                "size": entry.size,
                "iia": entry.best.score.iia,
                "low": entry.best.score.low,
                "high": entry.best.score.high,
                "worst_transition": entry.best.score.worst_transition,
                "answer_change_rate": entry.best.score.answer_change_rate,
                "start": entry.best.start,
                "outcome": entry.best.outcome,
                "restarts": len(entry.restarts),
            }
            for finding in self.findings
            for entry in finding.sizes
        ]

    def to_pandas(self) -> pd.DataFrame:
        """The same as a data frame.

        Raises:
            SpecificationError: pandas is not installed.
        """
        return to_pandas(self.to_rows())

    def to_xarray(self) -> xr.Dataset:
        """The same as a data set over `network` and `size`.

        Raises:
            SpecificationError: pandas or xarray is not installed.
        """
        about = {"site": self.site, "hypothesis": self.hypothesis.name, "featurizer": self.featurizer}
        rows = [{name: value for name, value in row.items() if name not in about} for row in self.to_rows()]
        return to_xarray(rows, ("network", "size")).assign_attrs(about)

    def display(self) -> Display:
        """IIA by network and size, with the mean over networks."""
        iia, counts = self.iia, [entry.best.score.count for entry in self.findings[0].sizes]
        means = [
            bootstrap_over_networks(own, [count] * len(own), seed=self.seed)
            for own, count in zip(iia.T.tolist(), counts, strict=True)
        ]
        best = max(range(len(means)), key=lambda place: means[place].value)
        networks = f"{len(iia)} network" + ("s" if len(iia) > 1 else "")
        return Display(
            title=f"{self.hypothesis.name} at {self.site} with {self.featurizer} maps, {networks}: "
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
                    (str(f.network), *map(format_fraction, row))
                    for f, row in zip(self.findings, iia.tolist(), strict=True)
                ),
            ),
            notes=("IIA of the best attempt by validation, on test interventions; mean with 95 % interval.",),
        )

    def _network(self, network: int) -> int:
        if network not in range(len(self.findings)):
            raise SpecificationError(
                f"Network {network} is asked for.",
                f"{len(self.findings)} were searched, counted from 0.",
                "Pass one of those.",
            )
        return network

    def _place(self, written: SizeSpec) -> int:
        size = size_for(written, self.hypothesis.variables, self.hypothesis.name)
        if size not in self.sizes:
            raise SpecificationError(
                f"Size {size} is asked for.", f"The sizes {list(self.sizes)} were searched.", "Pass one of those."
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
    progress: OnProgress = lambda share: None,
    on_validation: OnValidation | None = None,
) -> SearchResult:
    """Find the directions of a site that hold the variables of a hypothesis.

    Args:
        networks: where to look; all are searched at once.
        task: what they solve.
        hypothesis: one of the task's, by name.
        site: one of the networks', by name.
        sizes: features a variable, each of which is searched: one number for all variables, or one for each,
            `{"left": 4, "right": 2}`.
        featurizer: the class of maps, by name or as an object.
        starts: how many searches begin where, by name or as an object.
        phases: how they go on.
        budget: what they may cost.
        seed: decides on everything that is drawn.
        shuffle: learn and choose by labels that belong to other interventions, and score by the true ones: a control.
        progress: is told the share of the work that is done; `il.show_progress()` shows it.
        on_validation: is shown every validation (`interlocus.watching.Validation`), and changes no number.
            `il.TensorBoard(folder)` draws them.

    Raises:
        UnknownNameError: a name that nothing answers to, or a size of a variable that is not in the hypothesis.
        SpecificationError: sizes that do not fit the site.
        NetworkError: activations that are not finite.

    Source: distributed alignment search, arXiv 2303.02536, section 3.
    """
    check_fit(networks, task)
    budget = budget or Budget()
    chosen: AbstractFeaturizer = FEATURIZERS.get(featurizer)() if isinstance(featurizer, str) else featurizer
    made = [(find_start(start) if isinstance(start, str) else start, count) for start, count in starts.items()]
    sought = task.hypothesis(hypothesis)
    request = Request(
        site=site,
        hypotheses=(sought,),
        sizes=tuple(size_for(size, sought.variables, hypothesis) for size in sizes),
        featurizer=chosen,
        starts=tuple(made),
        phases=tuple(phases),
        budget=budget,
        seed=seed,
        shuffle=shuffle,
        on_validation=on_validation,
    )
    request.check(networks)
    data = DataSplits.draw(task, budget, seed=seed, hypotheses=(hypothesis,))
    findings = solve(networks, data, request, progress=progress)
    progress(1.0)
    return SearchResult(
        site=site,
        hypothesis=sought,
        featurizer=chosen.name,
        task=task,
        networks=networks,
        seed=seed,
        findings=tuple(findings),
    )
