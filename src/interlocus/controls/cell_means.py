"""The control `cell_means`: how many of its answers a network keeps if each state is replaced by the mean of its cell.

A cell holds the examples on which some variables have the same values. Nothing is searched, so a high share needs no
comparison with other searches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from scipy.special import chdtri
from torch import Tensor

from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.cells import BLOCK, MIN_STATES, STATES, CellExamples, Partition, draw_cells, partitions
from interlocus.core.statistics import clopper_pearson
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

SAME_MEANS = 1e-3
"""Level of the test by which the means of two cells differ, for all pairs of a partition together."""
MIN_CELL_SPREAD = 1e-9
"""Variances within cells below this share of the largest count as this share."""


@dataclass(frozen=True, kw_only=True)
class CellMeans:
    """How many of its answers one network keeps if each state is replaced by the mean of its cell.

    Args:
        kept: Share of its own answers that the network keeps, from 0 to 1, by the variables that define the cells,
            joined by `+`; `count(…)` stands for how many of several variables have each value. Every joint value of
            `joint` counts equally, however rare it is. Empty if nothing could be measured.
        cells: Number of cells, by the same names.
        joint: Name of the finest partition: by the variables of the hypothesis, and by all others that the answer
            depends on.
        items: Number of tested states.
        reason: Why nothing was measured; empty if something was.
    """

    kept: dict[str, float]
    cells: dict[str, int]
    joint: str
    items: int
    reason: str = ""

    def interval(self, name: str) -> tuple[float, float]:
        """Both ends of the exact interval of a kept share.

        Args:
            name: A key of `kept`.
        """
        return clopper_pearson(round(self.kept[name] * self.items), self.items)

    @property
    def kept_by_values(self) -> float | None:
        """Lower end of the interval of the share that the joint cells keep; `None` if it was not measured."""
        return self.interval(self.joint)[0] if self.joint in self.kept else None


def read_as(result: CellMeans, kept: float) -> str | None:
    """The coarsest partition whose cell means keep the answers; `None` if not even the joint cells do.

    It names what *suffices* when the rest of the state is at its mean. The network may read more than that: a copy of
    the answer suffices beside variables that are read as well. Nor is a partition a variable that could be exchanged.
    So use it to describe what is read where other measurements show that something is, and never to find a variable.

    Args:
        result: The result of one network.
        kept: Share of the answers, as the lower end of its interval, from which a partition counts as sufficient.

    Returns:
        A key of `result.kept` whose lower end is at least `kept` and that has the fewest cells: the output, one
        variable, `count(…)`, which says how many variables have each value, the variables of a rival, or the joint
        cells if nothing coarser suffices.
    """
    enough = [name for name in result.kept if result.interval(name)[0] >= kept]
    return min(enough, key=lambda name: (result.cells[name], name == result.joint), default=None)


def cell_means(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    site: str,
    hypothesis: str,
    rivals: Sequence[str] = (),
    states: int = STATES,
    seed: int = 0,
) -> list[CellMeans]:
    """Replace each state of a site by the mean of its cell, and compare the answers with those of the whole network.

    The cells must *screen off* the answer: everything that the answer depends on must be equal within a cell, or reach
    the answer past the site. A site that holds c besides a + b keeps few answers of (a + b) + c if c is averaged. So
    the finest cells are the joint values of the hypothesis' variables and of the others that the answer needs. Means
    are taken over states of one split and tested on another. Each joint value has as many states as every other, so
    that a common one cannot decide for a rare one.

    Args:
        networks: The networks, measured together.
        task: The task that they solve.
        site: Name of the site, a key of `networks.sites`.
        hypothesis: Name of the hypothesis that defines the cells.
        rivals: Names of hypotheses that define other cells. Those with continuous variables or with examples of their
            own are left out.
        states: Number of states for the means, and as many for the test; each cell has at least 200.
        seed: Seed of the examples.

    Returns:
        A result for each network. If a variable is continuous, or too many cells have too few examples, its `reason`
        says so.

    Raises:
        UnknownNameError: The task has no such hypothesis, or the networks have no such site.
    """
    networks.width(site)  # an unknown site is refused before examples are drawn
    asked = task.hypothesis(hypothesis)
    joint, *others = partitions(asked, [task.hypothesis(name) for name in rivals])
    continuous = [name for name in joint.variables if asked.model.variables[name].values is None]
    splits = None if continuous else draw_cells(task, asked, joint, states=states, seed=seed)
    if splits is None:
        reason = f"too few examples of most joint values of {', '.join(joint.variables)}"
        if continuous:
            reason = f"the answer depends on {continuous[0]}, a number or a vector, which has no cells"
        nothing = CellMeans(kept={}, cells={}, joint=joint.name, items=0, reason=reason)
        return [nothing] * len(networks)
    return _measured(networks, site, splits, [joint, *others])


def _measured(
    networks: AbstractNetworks,
    site: str,
    splits: tuple[CellExamples, CellExamples],
    compared: Sequence[Partition],
) -> list[CellMeans]:
    """The shares of answers that the means of all partitions keep, for each network."""
    train, test = splits
    index: dict[str, tuple[Tensor, Tensor]] = {}
    for partition in compared:
        keys = torch.cat([partition.keys(states.values) for states in splits])
        _, cell = torch.unique(keys, dim=0, return_inverse=True)
        of_train, of_test = cell[: len(train.inputs)], cell[len(train.inputs) :]
        large_enough = bool((torch.bincount(of_train, minlength=int(cell.max()) + 1) >= MIN_STATES).all())
        if large_enough and not any(_same_cells(of_test, known) for _, known in index.values()):
            index[partition.name] = of_train, of_test
    joint, sizes = compared[0].name, {name: len(cell.unique()) for name, (_, cell) in index.items()}
    with torch.no_grad():
        kept = _kept(networks, site, splits, index, joint)
    return [
        CellMeans(
            kept={name: float(share[i]) for name, share in kept.items()},
            cells=sizes,
            joint=joint,
            items=len(test.inputs),
        )
        for i in range(len(networks))
    ]


def _kept(
    networks: AbstractNetworks,
    site: str,
    splits: tuple[CellExamples, CellExamples],
    index: Mapping[str, tuple[Tensor, Tensor]],
    joint: str,
) -> dict[str, Float[Tensor, " network"]]:
    """The share of its answers that each network keeps, by partition."""
    train, test = splits
    means = _distinct_means(networks, site, train.inputs, {name: cell for name, (cell, _) in index.items()}, joint)
    hits = {name: torch.zeros(len(networks)) for name in index}
    for start in range(0, len(test.inputs), BLOCK):
        inputs = test.inputs[start : start + BLOCK].to(networks.device)
        answers = networks(inputs).argmax(2)
        for name, (_, cell) in index.items():
            states = means[name][:, cell[start : start + BLOCK].to(networks.device)]
            hits[name] += (networks.run_from(site, states, inputs).argmax(2) == answers).sum(1).cpu()
    return {name: hit / len(test.inputs) for name, hit in hits.items()}


def _same_cells(first: Int[Tensor, " row"], second: Int[Tensor, " row"]) -> bool:
    """Whether two divisions of the same examples are equal."""
    pairs = len(torch.unique(torch.stack([first, second], 1), dim=0))
    return pairs == len(first.unique()) == len(second.unique())


def _distinct_means(
    networks: AbstractNetworks,
    site: str,
    inputs: Float[Tensor, "row ..."],
    cell_of_row: Mapping[str, Tensor],
    joint: str,
) -> dict[str, Float[Tensor, "network cell width"]]:
    """The mean state of each cell, for each network and partition; cells that do not differ share one mean.

    A mean over n states has an error, and the error depends on the cell: the mean of pairs of equal items is a pair of
    equal items, exactly. Where the true means are the same, a sharp network could tell cells apart by that alone. So
    the mean of a cell is averaged with those from which it does not differ significantly (Hotelling's T², with the
    covariance within joint cells, corrected for the number of pairs).
    """
    sums: dict[str, Tensor] = {}
    squares, dtype = torch.zeros(()), torch.float32
    for start in range(0, len(inputs), BLOCK):
        activations = networks.activations(site, inputs[start : start + BLOCK].to(networks.device))
        dtype, states = activations.dtype, activations.cpu().double()
        squares = squares + states.transpose(1, 2) @ states
        for name, cell in cell_of_row.items():
            member = torch.nn.functional.one_hot(cell[start : start + BLOCK], int(cell.max()) + 1).T.to(states)
            sums[name] = sums.get(name, 0) + member @ states
    counts = {name: torch.bincount(cell).to(squares) for name, cell in cell_of_row.items()}
    means = {name: total / counts[name].unsqueeze(1) for name, total in sums.items()}
    within = (squares - sums[joint].transpose(1, 2) @ means[joint]) / (len(inputs) - len(counts[joint]))
    spread, axes = torch.linalg.eigh(within)
    spread = spread.clamp_min(MIN_CELL_SPREAD * spread.amax(1, keepdim=True).clamp_min(MIN_CELL_SPREAD))
    distinct: dict[str, Tensor] = {}
    for name, mean in means.items():
        scaled, cells = mean @ axes / spread.sqrt().unsqueeze(1), len(counts[name])
        pairs = counts[name].unsqueeze(1) * counts[name] / (counts[name].unsqueeze(1) + counts[name])
        bound = float(chdtri(mean.shape[2], SAME_MEANS / max(1, cells * (cells - 1) / 2)))
        same = (torch.cdist(scaled, scaled).square() * pairs <= bound).to(mean)
        distinct[name] = (same @ mean / same.sum(2, keepdim=True)).to(networks.device, dtype)
    return distinct


class CellMeansControl(AbstractControl[CellMeans]):
    """Share of its answers that a network keeps with the mean of the hypothesised values in place of each state."""

    name = "cell_means"
    description = (
        "each state was replaced by the mean of all states with the same values, and the answers were compared"
    )

    def measure(self, context: ControlContext) -> list[CellMeans | None]:
        portfolio = context.portfolio
        return [
            *cell_means(
                context.networks,
                context.task,
                site=context.site,
                hypothesis=portfolio.hypothesis,
                rivals=portfolio.rivals,
                seed=portfolio.seed,
            )
        ]

    def evidence(self, result: CellMeans | None, context: EvidenceContext) -> list[Evidence]:
        if result is None:
            return []
        if result.kept_by_values is None:
            text = f"Cell means were not measured: {result.reason}."
            return [Evidence(control="cell means", text=text, passes=None)]
        low, high = result.interval(result.joint)
        others = [f"{_by(name)} {share:.3f}" for name, share in result.kept.items() if name != result.joint]
        text = (
            f"With every state replaced by the mean of its {_in_words(result.joint)}, the network keeps "
            f"{result.kept[result.joint]:.3f} [{low:.3f}, {high:.3f}] of its answers"
        )
        text += f"; {', '.join(others)}." if others else "."
        # values may be coded in the variance of the states, so a low share is no evidence against them
        return [
            Evidence(control="cell means", text=text, passes=True if low >= context.thresholds.values_suffice else None)
        ]


def _in_words(name: str) -> str:
    return f"({name.replace('+', ', ')})" if "+" in name else name


def _by(name: str) -> str:
    several = "+" in name or "(" in name
    return f"by {_in_words(name)}" if several else f"by {name} alone"
