"""The control `operand_leakage`: is only the value of a variable in its features, or its operands as well?

Exchanging features that carry the operands exchanges these too: the variable is then entangled with them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from sklearn.linear_model import LinearRegression
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size, parse_size
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

LEAKAGE_EXAMPLES = 8192
MIN_EXAMPLES_PER_VALUE = 200
NEARLY_FOUND = 0.02
"""Alignments whose IIA is further below what counts as found are not measured."""
MIN_OPERAND_VARIANCE = 1e-6
"""Of the largest variance: directions in which operands vary less do not vary."""


class OperandLeakage(NamedTuple):
    """How much of the operands rides along.

    Args:
        r2: R² on them, held out; 1 where as much as one operand can be read off.
        value: of the variable, among whose examples it was measured.
    """

    r2: float
    value: int


def operand_leakage(
    alignment: Alignment,
    variable: str,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    examples: int = LEAKAGE_EXAMPLES,
    seed: int = 0,
) -> OperandLeakage:
    """How much of a variable's parents in the causal model can be read off its features, linearly, at equal value.

    The parents are whitened, so that what counts is how many independent directions of theirs are known and not which;
    their R² are added up and divided by the width of one parent. For (a = b) among unequal pairs this is the R² on the
    vector a − b where the features know nothing else. It is measured at the value at which the operands vary most.

    Args:
        alignment: in which the variable was found.
        variable: one of its variables, with declared values.
        network: in which it was found.
        task: what the network solves.
        examples: how many are drawn, of all values.
        seed: decides on them.

    Raises:
        AlignmentError: another network, a continuous variable, or too few examples of every value.
    """
    model = task.hypothesis(alignment.hypothesis).model
    values = model.variables[variable].values
    if values is None:
        raise is_continuous_error(variable)
    drawn = task.sample(examples, split="test", generator=derived_generator(seed, "operands"))
    known = model.run({name: value for name, value in drawn.items() if name in model.variables})
    parents = [known[name].double().reshape(examples, -1) for name in model.variables[variable].parents]
    value, rows = _freest(torch.cat(parents, 1), known[variable], values)
    features = alignment.features(network, task.encode(drawn)[rows].to(network.device))[variable]
    whitened = _whitened(torch.cat(parents, 1)[rows])
    total = _r2_sum(features.double().cpu().numpy(), whitened)
    return OperandLeakage(r2=min(1.0, max(0.0, total / min(part.shape[1] for part in parents))), value=value)


def is_continuous_error(variable: str) -> AlignmentError:
    return AlignmentError(
        f"The variable {variable!r} is a number or a vector.",
        "What else passes is looked at among examples of one value, and no two have the same.",
        "Ask for a variable with declared values.",
    )


def _freest(operands: Float[Tensor, "row number"], held: Tensor, values: tuple[int, ...]) -> tuple[int, Tensor]:
    """The value at which the operands vary most, with its examples."""
    rows = {value: (held == value).nonzero().flatten() for value in values}
    often = {value: own for value, own in rows.items() if len(own) >= MIN_EXAMPLES_PER_VALUE}
    if not often:
        raise AlignmentError(
            f"Of {len(held)} examples no value of the variable has {MIN_EXAMPLES_PER_VALUE}.",
            "That is too few to say what else varies among them.",
            "Draw more examples with `examples=`.",
        )

    def spread(value: int) -> float:
        own = operands[often[value]]
        variances = torch.linalg.eigvalsh(torch.atleast_2d(own.T.cov())).clamp_min(0)
        return float(variances.sqrt().sum())

    value = max(often, key=spread)
    return value, often[value]


def _whitened(operands: Float[Tensor, "row number"]) -> Float[np.ndarray, "row direction"]:
    """Independent directions of the operands, of unit variance; those that do not vary are left out."""
    centred = operands - operands.mean(0)
    left, spread, _ = torch.linalg.svd(centred, full_matrices=False)
    kept = spread.square() > MIN_OPERAND_VARIANCE * spread.square().max().clamp_min(MIN_OPERAND_VARIANCE)
    return (left[:, kept] * len(operands) ** 0.5).numpy()


def _r2_sum(features: Float[np.ndarray, "row feature"], wanted: Float[np.ndarray, "row direction"]) -> float:
    """R² of each direction, fitted on one half and measured on the other, added up."""
    half = len(features) // 2
    fitted = LinearRegression().fit(features[:half], wanted[:half])
    left = wanted[half:] - fitted.predict(features[half:])
    spread = wanted[half:] - wanted[:half].mean(0)
    return float((1 - np.square(left).sum(0) / np.square(spread).sum(0)).sum())


LeakageByMap = dict[str, dict[str, dict[Size, float]]]
"""For each variable, featurizer and size the R² on the operands."""


class OperandLeakageControl(AbstractControl[LeakageByMap]):
    """R² of what was found inside the used subspace on the operands at equal value; low is good."""

    name = "operand_leakage"
    description = (
        "the share of variance (R²) of the operands that the found features carry at equal value was measured; up to "
        "{operand_leakage:g} counts as the value alone"
    )

    def measure(self, context: ControlContext) -> list[LeakageByMap | None]:
        if "used_subspace" not in context.controls:
            return [None] * len(context.networks)  # it is measured on what was found inside the used subspace
        portfolio, task = context.portfolio, context.task
        least = context.thresholds.found - NEARLY_FOUND
        measured: list[LeakageByMap | None] = []
        for restricted in context.restricted:
            leakage: LeakageByMap = {}
            for hypothesis in map(task.hypothesis, (portfolio.hypothesis, *portfolio.rivals)):
                for restarts, alignment in restricted.alignments(hypothesis, task):
                    for variable in hypothesis.variables:
                        sizes = leakage.setdefault(variable, {}).setdefault(alignment.featurizer, {})
                        if restarts.best.score.iia >= least:
                            found = operand_leakage(alignment, variable, restricted.network, task, seed=portfolio.seed)
                            sizes[restarts.size] = found.r2
            measured.append(leakage)
        return measured

    def to_json(self, result: LeakageByMap) -> LeakageByMap:
        return result

    def from_json(self, data: dict[str, dict[str, dict[str, float]]]) -> LeakageByMap:
        return {
            variable: {
                featurizer: {parse_size(size): r2 for size, r2 in sizes.items()} for featurizer, sizes in maps.items()
            }
            for variable, maps in data.items()
        }

    def evidence(self, result: LeakageByMap | None, context: EvidenceContext) -> list[Evidence]:
        measured = [effect for effect in context.inside if effect.operand_leakage is not None]
        if not measured:
            text = "It was not measured what else is exchanged with the value."
            return [Evidence(control="operand leakage", text=text, passes=None)]
        sizes = ", ".join(
            f"{effect.operand_leakage:.2f} at size {effect.size} ({effect.featurizer})" for effect in measured
        )
        return [
            Evidence(
                control="operand leakage",
                text=f"R² on the operands at equal value, inside the used subspace: {sizes}.",
                passes=min(effect.operand_leakage for effect in measured if effect.operand_leakage is not None)
                <= context.thresholds.operand_leakage,
            )
        ]
