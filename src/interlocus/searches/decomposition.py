"""Search for finer variables inside the subspace of a coarser variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LinearRegression
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.random import derived_generator
from interlocus.featurizers.nested_rotation import NestedRotation
from interlocus.networks import AbstractNetworks
from interlocus.networks.sources._base import OnProgress
from interlocus.searches.api import SearchResult, search
from interlocus.searches.budget import Budget, Phase
from interlocus.searches.callbacks import OnValidation
from interlocus.searches.starts import AbstractStart
from interlocus.tasks import AbstractTask

DECOMPOSITION_EXAMPLES = 8192
"""Examples that `operand_r2` draws by default, of all values of the variable."""
MIN_OPERAND_EXAMPLES = 100
"""With fewer examples of a value `operand_r2` refuses to estimate R²."""


class SearchOptions(TypedDict, total=False):
    """Further keyword arguments of `search`, with the same meaning and defaults."""

    starts: Mapping[str | AbstractStart, int] | Mapping[str, int]
    phases: Sequence[Phase]
    budget: Budget | None
    seed: int
    shuffle: bool
    on_progress: OnProgress
    on_validation: OnValidation | None


def decompose(
    alignment: Alignment,
    variable: str,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    sizes: Sequence[int] = (),
    **options: Unpack[SearchOptions],
) -> SearchResult:
    """Search the subspace of an aligned variable for the variables of another hypothesis.

    A score at chance level means that the finer variables cannot be exchanged within the subspace, although they may
    be decodable from it.

    Args:
        alignment: An alignment with linear maps that contains the variable.
        variable: Name of the variable whose subspace is searched.
        network: The one network to which the alignment belongs.
        task: The task that the network solves.
        hypothesis: Name of the task's hypothesis whose variables are searched for.
        sizes: Features per variable, each at least 1; by default one size, the largest that fits the subspace.
        options: Keyword arguments of `search`, such as `sizes` and `starts`.

    Raises:
        AlignmentError: the alignment belongs to another network, or its maps are not linear.
        SpecificationError: a size does not fit the subspace.

    Source: arXiv 2303.02536, section 5.
    """
    if len(network) != 1 or network.fingerprint() != alignment.network:
        raise AlignmentError.of_another_network(alignment.network, network.fingerprint())
    directions = alignment.basis(variable).T
    used = directions[directions.norm(dim=1) > 0]
    most = len(used) // len(task.hypothesis(hypothesis).variables)
    chosen = tuple(sizes) or (most,)
    if not most or max(chosen) > most:
        raise SpecificationError(
            f"Size {max(chosen)} does not fit the subspace of {variable!r}, which has {len(used)} dimensions.",
            f"The variables of {hypothesis!r} need separate directions within it.",
            f"Pass sizes from 1 to {most}." if most else "Decompose an alignment of a larger size.",
        )
    return search(
        network,
        task,
        hypothesis=hypothesis,
        site=alignment.site,
        sizes=chosen,
        featurizer=NestedRotation(used),
        **options,
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
    """The share of a continuous variable's variance that the features of another variable explain.

    Linear R² on held-out examples in which the variable has one value, over all numbers of the operand. It is near 0
    if the subspace holds the variable only. It is high if the operands of the variable are in the subspace too; then an
    interchange of the variable exchanges them as well.

    Args:
        alignment: An alignment that contains the variable.
        variable: Name of the variable whose features predict the operand.
        network: The one network to which the alignment belongs.
        task: The task that the network solves; one of its hypotheses contains the operand.
        operand: Name of a continuous variable, for instance the difference of two vectors.
        value: Value that the variable has in all examples.
        examples: Number of examples to draw, of all values of the variable; at least 100 must have `value`.
        seed: Seed of the examples.

    Raises:
        AlignmentError: the alignment belongs to another network, or too few examples have the value.
    """
    sources = [name for name, hypothesis in task.hypotheses.items() if operand in hypothesis.variables]
    pool = task.draw_examples(
        examples, split="test", generator=derived_generator(seed, "operands"), for_hypotheses=sources
    )
    rows = (pool.values[variable] == value).nonzero().flatten()
    if len(rows) < MIN_OPERAND_EXAMPLES:
        raise AlignmentError(
            f"Only {len(rows)} of {examples} examples have {variable} = {value}.",
            f"R² is estimated from at least {MIN_OPERAND_EXAMPLES}.",
            "Draw more examples, or pass another value.",
        )
    features = alignment.features(network, pool.inputs[rows].to(network.device))[variable]
    return _r2(features, pool.values[operand][rows].float().reshape(len(rows), -1))


def _r2(features: Float[Tensor, "row feature"], target: Float[Tensor, "row number"]) -> float:
    """R² of a linear regression that is fitted to the first half of the rows, on the second half."""
    x, y = features.double().cpu().numpy(), target.double().cpu().numpy()
    half = len(x) // 2
    fitted = LinearRegression().fit(x[:half], y[:half])
    residual = y[half:] - fitted.predict(x[half:])
    total = y[half:] - y[:half].mean(0)
    return float(1 - np.square(residual).sum() / np.square(total).sum())
