"""The control `linear_ceiling`: the highest IIA of a linear map at a site with only linear layers after it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.optimize import Bounds, LinearConstraint, milp
from torch import Tensor

from interlocus.causal.enumeration import WeightedInterventions, enumerate_interventions, enumerate_settings
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import Values
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import can_be_enumerated

MAX_CELLS = 256
"""With more cells than this, the ceiling is not computed."""
MAX_LOGIT_TERM = 10.0
"""Bound of each term of a logit, in units of the margin by which a label must win. Only tasks with many values could
need larger terms."""
LINEARITY_TOLERANCE = 1e-3
"""Largest deviation from linearity, as a share of the logits' standard deviation."""
LINEARITY_EXAMPLES = 256
"""Triples of states with which linearity is tested."""


def is_linear_behind(networks: AbstractNetworks, task: AbstractTask, site: str) -> bool:
    """Whether the logits are an affine function of the state at a site.

    An affine function f satisfies f(x + y − z) = f(x) + f(y) − f(z). This is tested with states of the networks.

    Args:
        networks: The networks that are tested; all of them must be affine.
        task: The task whose training inputs give the states.
        site: Name of the site, a key of `networks.sites`.
    """
    inputs, _ = task.labelled_inputs(
        3 * LINEARITY_EXAMPLES, split="train", generator=derived_generator(0, "linear behind")
    )
    inputs = inputs.to(networks.device)
    with torch.no_grad():
        states = networks.activations(site, inputs)
        x, y, z = states.split(LINEARITY_EXAMPLES, 1)
        base_inputs = inputs[:LINEARITY_EXAMPLES]
        f_x, f_y, f_z, f_combined = (networks.run_from(site, state, base_inputs) for state in (x, y, z, x + y - z))
    deviation = (f_combined - (f_x + f_y - f_z)).abs().amax()
    spread = max(float(logits.std()) for logits in (f_x, f_y, f_z))
    return bool(deviation <= LINEARITY_TOLERANCE * max(spread, LINEARITY_TOLERANCE))


def additive_ceiling(task: AbstractTask, hypothesis: Hypothesis) -> float | None:
    """The highest IIA of a linear map at a site with only linear layers after it.

    Whatever the map, the logits after an interchange are f(base) + Σ g(source). For each kind of intervention, mixed
    integer programming maximises the probability of the cells that such sums can answer correctly, with one binary
    variable for each cell. f and g are arbitrary functions, so the ceiling holds for every network.

    Args:
        task: The task, whose `roots` give the probabilities of the settings.
        hypothesis: The hypothesis whose variables are exchanged.

    Returns:
        The ceiling, from 0 to 1; `None` if the interventions cannot be enumerated or have more than `MAX_CELLS` cells.
    """
    if not can_be_enumerated(task, hypothesis):
        return None
    interventions = enumerate_interventions(hypothesis, enumerate_settings(hypothesis.model, task.roots))
    total = 0.0
    for index, kind in enumerate(hypothesis.kinds):
        of_kind = _ceiling_of_kind(interventions, index, kind)
        if of_kind is None:
            return None
        total += of_kind
    return total


def _ceiling_of_kind(interventions: WeightedInterventions, index: int, kind: Sequence[str]) -> float | None:
    """The probability that an intervention is of one kind and can be answered correctly."""
    is_of_kind = interventions.kind == index
    probability = interventions.probability[is_of_kind]
    axes = [
        _settings(values, is_of_kind)
        for values in (interventions.base, *(interventions.sources[name] for name in kind))
    ]
    labels, label = torch.unique(interventions.label[is_of_kind], return_inverse=True)
    cells, cell = torch.unique(torch.stack([*axes, label], 1), dim=0, return_inverse=True)
    if len(cells) > MAX_CELLS:
        return None
    if len(labels) < 2:
        return float(probability.sum())
    weights = np.bincount(cell.numpy(), probability.numpy(), len(cells))
    return _max_weight_of_sums(cells.numpy(), weights, len(labels))


def _max_weight_of_sums(
    cells: Int[np.ndarray, "cell column"], weights: Float[np.ndarray, " cell"], classes: int
) -> float:
    """The largest weight of cells that sums can answer correctly, with one term for each axis, setting and class.

    The columns of a cell are its setting on each axis (base and sources), and its label last.
    """
    counts = cells[:, :-1].max(0) + 1
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]]) * classes
    terms = int(counts.sum()) * classes
    max_difference = 2 * MAX_LOGIT_TERM * (cells.shape[1] - 1) + 1
    constraints = []
    for i, cell in enumerate(cells):
        for rival in range(classes):
            if rival != cell[-1]:
                row = np.zeros(terms + len(cells))
                for axis, setting in enumerate(cell[:-1]):
                    row[offsets[axis] + setting * classes + cell[-1]] += 1
                    row[offsets[axis] + setting * classes + rival] -= 1
                row[terms + i] = -max_difference  # if the cell counts as correct, its label wins by at least 1
                constraints.append(row)
    lower = np.concatenate([np.full(terms, -MAX_LOGIT_TERM), np.zeros(len(cells))])
    upper = np.concatenate([np.full(terms, MAX_LOGIT_TERM), np.ones(len(cells))])
    solution = milp(
        np.concatenate([np.zeros(terms), -weights]),
        constraints=LinearConstraint(np.array(constraints), lb=1 - max_difference),
        integrality=np.concatenate([np.zeros(terms), np.ones(len(cells))]),
        bounds=Bounds(lower, upper),  # pyright: ignore[reportArgumentType]: its stubs declare single numbers
    )
    return float(-solution.fun)


def _settings(values: Values, rows: Bool[Tensor, " intervention"]) -> Int[Tensor, " row"]:
    """An index of the joint setting of all variables, for each of the chosen rows."""
    return torch.unique(torch.stack([value[rows] for value in values.values()], 1), dim=0, return_inverse=True)[1]


class LinearCeiling(AbstractControl[float]):
    """The ceiling of linear maps at a site, if it lies below the threshold `found`. It is always measured."""

    name = "linear_ceiling"
    description = "where only linear layers follow a site, the score that no linear map can exceed was computed"

    def measure(self, context: ControlContext) -> list[float | None]:
        hypothesis, count = context.task.hypothesis(context.portfolio.hypothesis), len(context.networks)
        if not is_linear_behind(context.networks, context.task, context.site):
            return [None] * count
        ceiling = additive_ceiling(context.task, hypothesis)
        return [ceiling if ceiling is not None and ceiling < context.thresholds.found else None] * count

    def evidence(self, result: float | None, context: EvidenceContext) -> list[Evidence]:
        return []  # verdicts list it among the chance levels
