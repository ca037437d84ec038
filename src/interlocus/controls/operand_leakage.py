"""The control `operand_leakage`: whether a variable's features carry its operands besides its value.

The operands are the variable's parents in the causal model. If the features carry them, or what is computed of them, an
interchange exchanges them together with the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size
from interlocus.causal.operands import Target, leakage_targets
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.criteria import Effect
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

LEAKAGE_EXAMPLES = 8192
"""Examples that are drawn; about half of them are used for a variable with two values."""
MIN_EXAMPLES_PER_VALUE = 200
"""A value with fewer examples is not measured."""
NEARLY_FOUND = 0.02
"""Alignments whose IIA is more than this below the threshold `found` are not measured."""
LEAKAGE_ROWS = 4096
"""Examples of equal value that are used; half of them to fit the probes."""
RESOLUTION = 0.1
"""Noise that is added to the features, as a share of their root-mean-square spread over all values."""
NEIGHBOURS = 20
"""Neighbours whose mean is the prediction. Without any information, R² is then about −1/20."""


@dataclass(frozen=True, kw_only=True)
class OperandLeakage:
    """How well something else than the value of a variable is predicted from its features.

    Args:
        r2: The highest R² on fresh examples, from 0 to 1; 1 if as much as one whole operand is predicted.
        value: The value of the variable among whose examples it was measured.
        target: What is predicted best, such as "the distance of a and b".
        probe: What predicts it best: "linear regression" or "nearest neighbours".
    """

    r2: float
    value: int
    target: str
    probe: str


def operand_leakage(
    alignment: Alignment,
    variable: str,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    examples: int = LEAKAGE_EXAMPLES,
    seed: int = 0,
) -> OperandLeakage:
    """Predict what a variable was computed from, among examples of equal value, from its features.

    Targets are the operands, their products and distances, and the inputs on which the variable does not depend. Probes
    are a linear regression and nearest neighbours, fitted to one half of the examples and tested on the other. Noise of
    a tenth of the features' spread over all values is added first, so that traces far smaller than the value itself do
    not count.

    R² = min(1, Σ_d max(0, R²_d) / w), where d runs over the whitened directions of a target, and w is the width of the
    narrowest operand. Whitening makes the number of predicted directions count, not their scale. For the variable
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
    rows = rows[:LEAKAGE_ROWS]
    features = _noisy(_in_state_units(alignment, variable, network, task.encode(drawn)), seed)[rows]
    return _best_prediction(features, leakage_targets(model, variable, known_values, rows), value)


def with_leakage(effect: Effect, leakage: OperandLeakage | None) -> Effect:
    """The effect of an alignment with what its features carry besides the value.

    Args:
        effect: The effect of the alignment for one variable.
        leakage: The operand leakage of the same alignment and variable; `None` if it was not measured.
    """
    if leakage is None:
        return effect
    return replace(effect, operand_leakage=leakage.r2, leaked=f"{leakage.target}, {leakage.probe}")


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


def _in_state_units(
    alignment: Alignment, variable: str, network: AbstractNetworks, inputs: Float[Tensor, "row ..."]
) -> Float[Tensor, "row feature"]:
    """The features of a variable, for a linear map in coordinates of what an interchange writes into the state."""
    features = alignment.features(network, inputs.to(network.device))[variable].double().cpu()
    if not isinstance(alignment.frames, Frames):
        return features
    rows = alignment.frames.write[alignment.variables.index(variable)].double().cpu()
    return features @ torch.linalg.qr(rows.T).R.T


def _noisy(features: Float[Tensor, "row feature"], seed: int) -> Float[Tensor, "row feature"]:
    """The features with noise of a share of their root-mean-square spread."""
    spread = features.var(0).mean().sqrt()
    generator = derived_generator(seed, "operands", "noise")
    return features + RESOLUTION * spread * torch.randn(features.shape, generator=generator, dtype=features.dtype)


def _best_prediction(features: Float[Tensor, "row feature"], targets: Sequence[Target], value: int) -> OperandLeakage:
    """The target and the probe with the highest R², fitted to the first half of the rows, measured on the second."""
    known, half = features.numpy(), len(features) // 2
    wanted = torch.cat([target.numbers for target in targets], 1).numpy()
    deviations = np.square(wanted[half:] - wanted[:half].mean(0)).sum(0)
    best = OperandLeakage(r2=0.0, value=value, target=targets[0].name, probe="linear regression")
    for name, probe in (
        ("linear regression", LinearRegression()),
        ("nearest neighbours", KNeighborsRegressor(NEIGHBOURS)),
    ):
        predicted = probe.fit(known[:half], wanted[:half]).predict(known[half:])
        r2 = 1 - np.square(wanted[half:] - predicted).sum(0) / deviations
        parts = np.split(r2.clip(0), np.cumsum([target.numbers.shape[1] for target in targets])[:-1])
        for target, part in zip(targets, parts, strict=True):
            share = min(1.0, float(part.sum()) / target.whole)
            if share > best.r2:
                best = OperandLeakage(r2=share, value=value, target=target.name, probe=name)
    return best


LeakageByMap = dict[str, dict[str, dict[Size, OperandLeakage]]]
"""Operand leakage by variable, featurizer and size."""


class OperandLeakageControl(AbstractControl[LeakageByMap]):
    """R² on the operands of the alignments that were found inside the used subspace; low is good."""

    name = "operand_leakage"
    description = (
        "the share of the variance (R²) of operands, their products and distances, and other inputs that the features "
        "explain among examples of one value was measured; up to {operand_leakage:g} counts as the value alone"
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
                            )
            measured.append(leakage)
        return measured

    def evidence(self, result: LeakageByMap | None, context: EvidenceContext) -> list[Evidence]:
        measured = [effect for effect in context.inside or () if effect.operand_leakage is not None]
        if not measured:
            text = "It was not measured whether the operands are exchanged together with the value."
            return [Evidence(control="operand leakage", text=text, passes=None)]
        sizes = ", ".join(
            f"{effect.operand_leakage:.2f} at size {effect.size} ({effect.featurizer}"
            + (f"; {effect.leaked})" if effect.leaked else ")")
            for effect in measured
        )
        return [
            Evidence(
                control="operand leakage",
                text=f"R² on operands and other inputs at equal value, inside the used subspace: {sizes}.",
                passes=min(effect.operand_leakage for effect in measured if effect.operand_leakage is not None)
                <= context.thresholds.operand_leakage,
            )
        ]
