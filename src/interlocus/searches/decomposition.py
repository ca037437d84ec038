"""What else is in a subspace: finer variables inside that of a coarser one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LinearRegression
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.random import derived_generator
from interlocus.featurizers.nested_rotation import NestedRotation
from interlocus.networks import AbstractNetworks
from interlocus.searches.api import SearchResult, search
from interlocus.tasks import AbstractTask

DECOMPOSITION_EXAMPLES = 8192


def decompose(
    alignment: Alignment,
    variable: str,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    sizes: Sequence[int] = (),
    **how: Any,
) -> SearchResult:
    """Search the subspace of a found variable for the variables of another hypothesis.

    A score at its floor says that the finer variable cannot be exchanged there, though it may ride along.

    Args:
        alignment: in which the variable was found.
        variable: whose subspace is searched.
        network: in which it was found.
        task: what the network solves.
        hypothesis: what is sought inside, one of the task's.
        sizes: features a variable; by default as many as there are.
        how: as in `search`.

    Raises:
        AlignmentError: another network, or maps that are not linear.
        SpecificationError: a size that does not fit into the subspace.

    Source: arXiv 2303.02536, section 5.
    """
    if len(network) != 1 or network.fingerprint() != alignment.network:
        raise AlignmentError.of_another_network(alignment.network, network.fingerprint())
    directions = alignment.basis(variable).T
    used = directions[directions.norm(dim=1) > 0]
    room = len(used) // len(task.hypothesis(hypothesis).variables)
    asked = tuple(sizes) or (room,)
    if not room or max(asked) > room:
        raise SpecificationError(
            f"Size {max(asked)} is asked for inside the subspace of {variable!r}, which has {len(used)} dimensions.",
            "A finer variable cannot take more than there are.",
            f"Ask for sizes from 1 to {room}." if room else "Decompose an alignment of a larger size.",
        )
    return search(
        network, task, hypothesis=hypothesis, site=alignment.site, sizes=asked, featurizer=NestedRotation(used), **how
    )


def operand_r2(
    alignment: Alignment,
    variable: str,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    operand: str,
    value: int,
    examples: int = DECOMPOSITION_EXAMPLES,
    seed: int = 0,
) -> float:
    """How much of a continuous variable the features of another one still carry, among examples of equal value.

    Linear R² on held-out examples, over all numbers of the operand. A subspace that holds a truth value and nothing
    else has none; one through which the operands ride along has much, and exchanging it exchanges them too.

    Args:
        alignment: in which the variable was found.
        variable: whose features are looked at.
        network: in which it was found.
        task: what the network solves; one of its hypotheses has the operand.
        operand: a continuous variable, by name: the vector a − b, say.
        value: of the variable, the same in all examples.
        examples: how many are drawn, of all values.
        seed: decides on them.

    Raises:
        AlignmentError: another network, or hardly an example with that value.
    """
    asked = [name for name, hypothesis in task.hypotheses.items() if operand in hypothesis.variables]
    pool = task.draw_examples(
        examples, split="test", generator=derived_generator(seed, "operands"), for_hypotheses=asked
    )
    chosen = (pool.values[variable] == value).nonzero().flatten()
    if len(chosen) < 100:
        raise AlignmentError(
            f"{len(chosen)} of {examples} examples have {variable} = {value}.",
            "That is too few to say what else varies among them.",
            "Draw more examples, or ask for another value.",
        )
    features = alignment.features(network, pool.inputs[chosen].to(network.device))[variable]
    return _r2(features, pool.values[operand][chosen].float().reshape(len(chosen), -1))


def _r2(features: Float[Tensor, "row feature"], wanted: Float[Tensor, "row number"]) -> float:
    known, target = features.double().cpu().numpy(), wanted.double().cpu().numpy()
    half = len(known) // 2
    fitted = LinearRegression().fit(known[:half], target[:half])
    left = target[half:] - fitted.predict(known[half:])
    spread = target[half:] - target[:half].mean(0)
    return float(1 - np.square(left).sum() / np.square(spread).sum())
