"""The control `linear_ceiling`: what no linear interchange can exceed where everything behind a site is linear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import Bounds, LinearConstraint, milp
from torch import Tensor

from interlocus.causal.enumeration import WeightedInterventions, enumerate_interventions, enumerate_settings
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import can_be_enumerated

MAX_CELLS = 256
"""More kinds of interventions than this are not solved for."""
LARGEST_LOGIT = 10.0
"""Of a logit, where labels have to win by one; the answer does not depend on it unless there are many values."""
LINEARITY_SLACK = 1e-3
LINEARITY_EXAMPLES = 256


def is_linear_behind(networks: AbstractNetworks, task: AbstractTask, site: str) -> bool:
    """Whether the logits are a linear function of the state at a site, up to a constant.

    Asked of the networks themselves: for a linear function f of three states, f(x + y − z) = f(x) + f(y) − f(z).
    """
    inputs, _ = task.labelled_inputs(
        3 * LINEARITY_EXAMPLES, split="train", generator=derived_generator(0, "linear behind")
    )
    inputs = inputs.to(networks.device)
    with torch.no_grad():
        states = networks.activations(site, inputs)
        x, y, z = states.split(LINEARITY_EXAMPLES, 1)
        own = inputs[:LINEARITY_EXAMPLES]
        f = [networks.run_from(site, state, own) for state in (x, y, z, x + y - z)]
    off = (f[3] - (f[0] + f[1] - f[2])).abs().amax()
    spread = max(float(part.std()) for part in f[:3])
    return bool(off <= LINEARITY_SLACK * max(spread, LINEARITY_SLACK))


def additive_ceiling(task: AbstractTask, hypothesis: Hypothesis) -> float | None:
    """The highest IIA of a linear interchange before a linear rest; `None` where it is not counted out.

    The logits are then f(base) + Σ g(source), whatever the map. For each kind of intervention the largest probable set
    of labels that such sums can give is found by mixed integer programming, one binary number a cell; f and g may be
    anything, so the ceiling holds for every network.
    """
    if not can_be_enumerated(task, hypothesis):
        return None
    asked = enumerate_interventions(hypothesis, enumerate_settings(hypothesis.model, task.roots))
    total = 0.0
    for index, kind in enumerate(hypothesis.kinds):
        reached = _of_kind(asked, index, kind)
        if reached is None:
            return None
        total += reached
    return total


def _of_kind(asked: WeightedInterventions, index: int, kind: Sequence[str]) -> float | None:
    """The share of all interventions that are of one kind and can be answered rightly."""
    own = asked.kind == index
    axes = [_setting(asked.base, own)] + [_setting(asked.sources[name], own) for name in kind]
    labels, label = torch.unique(asked.label[own], return_inverse=True)
    cells, cell = torch.unique(torch.stack([*axes, label], 1), dim=0, return_inverse=True)
    if len(cells) > MAX_CELLS or len(labels) < 2:
        return None if len(cells) > MAX_CELLS else float(asked.probability[own].sum())
    weight = np.bincount(cell.numpy(), asked.probability[own].numpy(), len(cells))
    return _most(cells.numpy(), weight, len(labels))


def _most(cells: np.ndarray, weight: np.ndarray, classes: int) -> float:
    """The weight of the cells that sums of one number an axis, setting and class can label rightly."""
    counts = cells[:, :-1].max(0) + 1
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]]) * classes
    numbers = int(counts.sum()) * classes
    large = 2 * LARGEST_LOGIT * (cells.shape[1] - 1) + 1
    rows = []
    for i, cell in enumerate(cells):
        for other in range(classes):
            if other != cell[-1]:
                row = np.zeros(numbers + len(cells))
                for axis, setting in enumerate(cell[:-1]):
                    row[offsets[axis] + setting * classes + cell[-1]] += 1
                    row[offsets[axis] + setting * classes + other] -= 1
                row[numbers + i] = -large  # where the cell counts as right, its label wins by one
                rows.append(row)
    ends: Any = (  # scipy's stubs know of numbers only
        np.concatenate([np.full(numbers, -LARGEST_LOGIT), np.zeros(len(cells))]),
        np.concatenate([np.full(numbers, LARGEST_LOGIT), np.ones(len(cells))]),
    )
    solved = milp(
        np.concatenate([np.zeros(numbers), -weight]),
        constraints=LinearConstraint(np.array(rows), lb=1 - large),
        integrality=np.concatenate([np.zeros(numbers), np.ones(len(cells))]),
        bounds=Bounds(*ends),
    )
    return float(-solved.fun)


def _setting(values: dict[str, Tensor], own: Tensor) -> Tensor:
    """A number for each joint setting of the variables."""
    return torch.unique(torch.stack([value[own] for value in values.values()], 1), dim=0, return_inverse=True)[1]


class LinearCeiling(AbstractControl[float]):
    """The ceiling of any linear map at a site, where it lies below what counts as found. It is always measured."""

    name = "linear_ceiling"
    description = "where only linear layers follow a site, the score that no linear map can exceed was computed"

    def measure(self, context: ControlContext) -> list[float | None]:
        hypothesis, count = context.task.hypothesis(context.portfolio.hypothesis), len(context.networks)
        if not is_linear_behind(context.networks, context.task, context.site):
            return [None] * count
        ceiling = additive_ceiling(context.task, hypothesis)
        return [ceiling if ceiling is not None and ceiling < context.thresholds.found else None] * count

    def to_json(self, result: float) -> float:
        return result

    def from_json(self, data: float) -> float:
        return float(data)

    def evidence(self, result: float | None, context: EvidenceContext) -> list[Evidence]:
        return []  # it stands among the chance levels
