"""What the features of a variable may carry besides its value: operands, what is computed of them, and other inputs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal.model import CausalModel, Values

MAX_INDICATORS = 32
"""An operand with at most as many values is predicted as one number for each value, otherwise as one number."""
MAX_PAIRS = 6
"""Pairs of operands whose products and distances are predicted."""
MIN_RELATIVE_VARIANCE = 1e-6
"""Directions with a smaller share of the largest variance are constant up to rounding."""


class Target(NamedTuple):
    """Something that a probe predicts from features.

    Args:
        name: What it is, as evidence names it.
        numbers: It in independent directions of unit variance, for each example.
        whole: Number of directions that count as all of it.
    """

    name: str
    numbers: Float[Tensor, "row direction"]
    whole: int


def leakage_targets(model: CausalModel, variable: str, values: Values, rows: Int[Tensor, " row"]) -> tuple[Target, ...]:
    """What the features of a variable may carry, on examples of one value; what does not vary there is left out.

    These are the operands of the variable together, for each pair of operands of equal width their products and their
    distance, and each input of the causal model on which the variable does not depend. The last catches a value that
    lies there as two parts, of which one is a sign of another input.

    Args:
        model: The causal model.
        variable: Name of a variable with parents.
        values: Values of the parents and of the inputs, by name.
        rows: The examples that have one value of the variable.
    """
    parents = model.variables[variable].parents
    of_parents = {name: _numbers(model, name, values[name][rows]) for name in parents}
    made = [_target(f"the {'operands' if len(parents) > 1 else 'operand'} {_and(parents)}", [*of_parents.values()])]
    columns = {name: values[name][rows].double().reshape(len(rows), -1) for name in parents}
    pairs = [pair for pair in itertools.combinations(parents, 2) if columns[pair[0]].shape == columns[pair[1]].shape]
    for pair in pairs[:MAX_PAIRS]:
        first, second = (columns[name] for name in pair)
        distance = torch.linalg.vector_norm(first - second, dim=1, keepdim=True)
        made.append(_target(f"the products of {_and(pair)}", [first * second]))
        made.append(_target(f"the distance of {_and(pair)}", [distance]))
    for name in model.inputs:
        if name in values and name not in parents and variable not in model.descendants[name]:
            made.append(_target(f"the input {name}", [_numbers(model, name, values[name][rows])]))
    return tuple(target for target in made if target.numbers.shape[1])


def _numbers(model: CausalModel, name: str, values: Tensor) -> Float[Tensor, "row number"]:
    """Values as numbers; those of a discrete variable with few values as indicators of each but the first."""
    declared = model.variables[name].values
    if declared is None or not 1 < len(declared) <= MAX_INDICATORS:
        return values.double().reshape(len(values), -1)
    return (values.unsqueeze(1) == torch.tensor(declared[1:], device=values.device)).double()


def _target(name: str, parts: Sequence[Float[Tensor, "row number"]]) -> Target:
    """The parts in independent directions of unit variance; as many as the narrowest part has count as a whole."""
    numbers = torch.cat([*parts], 1)
    left, spread, _ = torch.linalg.svd(numbers - numbers.mean(0), full_matrices=False)
    varies = spread.square() > MIN_RELATIVE_VARIANCE * spread.square().max().clamp_min(MIN_RELATIVE_VARIANCE)
    whitened = left[:, varies] * len(numbers) ** 0.5
    return Target(name, whitened, max(1, min(min(part.shape[1] for part in parts), whitened.shape[1])))


def _and(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
