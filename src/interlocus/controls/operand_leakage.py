"""Whether only the value of a variable is in its features, or what it was computed from rides along.

Exchanging features that carry the operands exchanges these too: the variable is relayed there rather than computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.linear_model import LinearRegression
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

LEAKAGE_EXAMPLES = 8192
MIN_EXAMPLES_PER_VALUE = 200
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


class SourceVariation(NamedTuple):
    """How much the answer depends on which source of equal value was taken.

    Args:
        share: of pairs of such sources, with the base fixed, in which the answers differ.
        of_value: the same for each value of the variable that occurs twice.
    """

    share: float
    of_value: Mapping[int, float]


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
        raise _is_continuous(variable)
    drawn = task.sample(examples, split="test", generator=derived_generator(seed, "operands"))
    known = model.run({name: value for name, value in drawn.items() if name in model.variables})
    parents = [known[name].double().reshape(examples, -1) for name in model.variables[variable].parents]
    value, rows = _freest(torch.cat(parents, 1), known[variable], values)
    features = alignment.features(network, task.encode(drawn)[rows].to(network.device))[variable]
    whitened = _whitened(torch.cat(parents, 1)[rows])
    total = _r2_sum(features.double().cpu().numpy(), whitened)
    return OperandLeakage(r2=min(1.0, max(0.0, total / min(part.shape[1] for part in parents))), value=value)


def source_variation(
    alignment: Alignment,
    variable: str,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    pairs: int = LEAKAGE_EXAMPLES,
    seed: int = 0,
) -> SourceVariation:
    """How much the answer varies over sources of equal value, swapped into the same base.

    If only the value passes, it never does. Unlike an R² on the operands this asks what the network makes of what rides
    along: it may ride along and have no effect.

    Args:
        alignment: in which the variable was found.
        variable: one of its variables, with declared values.
        network: in which it was found.
        task: what the network solves.
        pairs: how many pairs of sources, each with a base of its own.
        seed: decides on them.

    Raises:
        AlignmentError: another network, a continuous variable, or no value that occurs twice.
        UnknownNameError: there is no such variable.
    """
    hypothesis = task.hypothesis(alignment.hypothesis)
    hypothesis.model.check_names((variable,))
    pool = task.pool(pairs, split="test", generator=derived_generator(seed, "varies"), own_of=(hypothesis.name,))
    rows = pool.examples(hypothesis)
    inputs = pool.inputs[rows].to(network.device)
    values = hypothesis.model.variables[variable].values
    if values is None:
        raise _is_continuous(variable)
    held = pool.values[variable][rows]
    one, other = _of_equal_value(held, values, derived_generator(seed, "varies", "sources"))
    if not len(one):
        raise AlignmentError(
            f"No value of the variable {variable!r} occurs twice in {pairs} examples.",
            "Sources of equal value are held against each other.",
            "Draw more with `pairs=`.",
        )
    bases = inputs[torch.randint(len(inputs), one.shape, generator=derived_generator(seed, "varies", "bases"))]
    answers = [alignment.intervene(network, bases, **{variable: inputs[own]}).argmax(1) for own in (one, other)]
    differs = (answers[0] != answers[1]).double().cpu()
    shares = {value: float(differs[held[one] == value].mean()) for value in values if (held[one] == value).any()}
    return SourceVariation(share=float(differs.mean()), of_value=shares)


def _of_equal_value(
    held: Int[Tensor, " row"], values: tuple[int, ...], generator: torch.Generator
) -> tuple[Int[Tensor, " pair"], Int[Tensor, " pair"]]:
    """Every row, with another row of the same value."""
    ones, others = [torch.empty(0, dtype=torch.long)], [torch.empty(0, dtype=torch.long)]
    for value in values:
        rows = (held == value).nonzero().flatten()
        if len(rows) > 1:
            mixed = rows[torch.randperm(len(rows), generator=generator)]
            ones.append(mixed)
            others.append(mixed.roll(1))
    return torch.cat(ones), torch.cat(others)


def _is_continuous(variable: str) -> AlignmentError:
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
