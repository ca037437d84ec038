"""The control `operand_leakage`: whether a variable's features carry its operands besides its value.

The operands are the variable's parents in the causal model. If the features carry them, an interchange exchanges them
together with the value: the variable is entangled with them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from sklearn.linear_model import LinearRegression
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

LEAKAGE_EXAMPLES = 8192
"""Examples that are drawn; about half of them are used for a variable with two values."""
MIN_EXAMPLES_PER_VALUE = 200
"""A value with fewer examples is not measured."""
NEARLY_FOUND = 0.02
"""Alignments whose IIA is more than this below the threshold `found` are not measured."""
MIN_RELATIVE_VARIANCE = 1e-6
"""Directions of the operands with a smaller share of the largest variance are constant up to rounding."""


class OperandLeakage(NamedTuple):
    """How well the operands are predicted from the features of a variable.

    Args:
        r2: Held-out R² of a linear regression, from 0 to 1; 1 if as much as one whole operand is predicted.
        value: The value of the variable among whose examples it was measured.
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
    """Predict a variable's operands from its features by linear regression, among examples of equal value.

    R² = min(1, Σ_d R²_d / w), where d runs over the whitened directions of all operands together and w is the width of
    the narrowest operand. Whitening makes the number of predicted directions count, not their scale. For the variable
    (a = b) among unequal pairs, features that carry only a − b have the R² on a − b. The value is the one at which the
    operands vary most.

    Args:
        alignment: The alignment whose features are measured.
        variable: Name of one of its variables, which must declare its values.
        network: The single network to which the alignment belongs.
        task: The task that the network solves.
        examples: Number of examples that are drawn, over all values.
        seed: Seed of the examples that are drawn.

    Raises:
        AlignmentError: the alignment belongs to another network, the variable is continuous, or every value has too few
            examples.
    """
    model = task.hypothesis(alignment.hypothesis).model
    values = model.variables[variable].values
    if values is None:
        raise continuous_variable_error(variable)
    drawn = task.sample(examples, split="test", generator=derived_generator(seed, "operands"))
    known_values = model.run({name: value for name, value in drawn.items() if name in model.variables})
    operands = [known_values[name].double().reshape(examples, -1) for name in model.variables[variable].parents]
    value, rows = _value_of_most_spread(torch.cat(operands, 1), known_values[variable], values)
    features = alignment.features(network, task.encode(drawn)[rows].to(network.device))[variable]
    whitened = _whitened(torch.cat(operands, 1)[rows])
    total = _r2_sum(features.double().cpu().numpy(), whitened)
    return OperandLeakage(r2=min(1.0, max(0.0, total / min(operand.shape[1] for operand in operands))), value=value)


def continuous_variable_error(variable: str) -> AlignmentError:
    """The error for a variable that has no examples of equal value.

    Args:
        variable: Name of the continuous variable.
    """
    return AlignmentError(
        f"The variable {variable!r} is a number or a vector.",
        "Examples of equal value are compared, and a continuous variable has none.",
        "Choose a variable that declares its values.",
    )


def _value_of_most_spread(
    operands: Float[Tensor, "row number"], variable: Tensor, values: tuple[int, ...]
) -> tuple[int, Tensor]:
    """The value at which the operands vary most, with the rows of its examples."""
    rows_of_value = {value: (variable == value).nonzero().flatten() for value in values}
    frequent = {value: rows for value, rows in rows_of_value.items() if len(rows) >= MIN_EXAMPLES_PER_VALUE}
    if not frequent:
        raise AlignmentError(
            f"Among {len(variable)} examples, no value of the variable has {MIN_EXAMPLES_PER_VALUE}.",
            "A regression on fewer examples says little about the operands.",
            "Draw more examples with `examples=`.",
        )

    def spread(value: int) -> float:
        covariance = torch.atleast_2d(operands[frequent[value]].T.cov())
        variances = torch.linalg.eigvalsh(covariance).clamp_min(0)
        return float(variances.sqrt().sum())

    value = max(frequent, key=spread)
    return value, frequent[value]


def _whitened(operands: Float[Tensor, "row number"]) -> Float[np.ndarray, "row direction"]:
    """The operands in independent directions of unit variance; constant directions are left out."""
    centred = operands - operands.mean(0)
    left, spread, _ = torch.linalg.svd(centred, full_matrices=False)
    varies = spread.square() > MIN_RELATIVE_VARIANCE * spread.square().max().clamp_min(MIN_RELATIVE_VARIANCE)
    return (left[:, varies] * len(operands) ** 0.5).numpy()


def _r2_sum(features: Float[np.ndarray, "row feature"], targets: Float[np.ndarray, "row direction"]) -> float:
    """The sum over directions of R², fitted on the first half of the rows and measured on the second."""
    half = len(features) // 2
    fitted = LinearRegression().fit(features[:half], targets[:half])
    residuals = targets[half:] - fitted.predict(features[half:])
    deviations = targets[half:] - targets[:half].mean(0)
    return float((1 - np.square(residuals).sum(0) / np.square(deviations).sum(0)).sum())


LeakageByMap = dict[str, dict[str, dict[Size, float]]]
"""R² on the operands by variable, featurizer and size."""


class OperandLeakageControl(AbstractControl[LeakageByMap]):
    """R² on the operands of the alignments that were found inside the used subspace; low is good."""

    name = "operand_leakage"
    description = (
        "the share of the operands' variance (R²) that the features explain among examples of one value was measured; "
        "up to {operand_leakage:g} counts as the value alone"
    )

    def measure(self, context: ControlContext) -> list[LeakageByMap | None]:
        if "used_subspace" not in context.controls:
            return [None] * len(context.networks)  # it is measured for alignments inside the used subspace
        portfolio, task = context.portfolio, context.task
        min_iia = context.thresholds.found - NEARLY_FOUND
        measured: list[LeakageByMap | None] = []
        for restricted in context.restricted:
            leakage: LeakageByMap = {}
            for hypothesis in map(task.hypothesis, (portfolio.hypothesis, *portfolio.rivals)):
                for restarts, alignment in restricted.alignments(hypothesis, task):
                    for variable in hypothesis.variables:
                        sizes = leakage.setdefault(variable, {}).setdefault(alignment.featurizer, {})
                        if restarts.best.score.iia >= min_iia:
                            sizes[restarts.size] = operand_leakage(
                                alignment, variable, restricted.network, task, seed=portfolio.seed
                            ).r2
            measured.append(leakage)
        return measured

    def evidence(self, result: LeakageByMap | None, context: EvidenceContext) -> list[Evidence]:
        measured = [effect for effect in context.inside or () if effect.operand_leakage is not None]
        if not measured:
            text = "It was not measured whether the operands are exchanged together with the value."
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
