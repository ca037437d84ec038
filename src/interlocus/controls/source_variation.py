"""The control `source_variation`: whether two sources of equal value give different answers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.operand_leakage import continuous_variable_error
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

SOURCE_PAIRS = 8192
"""Examples from which pairs of sources are drawn by default."""
CONTROL_PAIRS = 4_000
"""The same for the control. It decides no verdict, so it needs no more."""


class SourceVariation(NamedTuple):
    """How often the answer depends on which of two sources of equal value is used.

    Args:
        share: Share of pairs of sources that give different answers for the same base, from 0 to 1.
        of_value: The same share for each value of the variable that occurs at least twice.
    """

    share: float
    of_value: Mapping[int, float]


def source_variation(
    alignment: Alignment,
    variable: str,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    pairs: int = SOURCE_PAIRS,
    seed: int = 0,
) -> SourceVariation:
    """Exchange two sources of equal value into the same base, and count how often the answers differ.

    If the features carry the value alone, the answers never differ. An R² on the operands says whether the features
    carry them; this share says whether the network uses them.

    Args:
        alignment: The alignment whose interchanges are measured.
        variable: Name of one of its variables, which must declare its values.
        network: The single network to which the alignment belongs.
        task: The task that the network solves.
        pairs: Number of examples. Each is paired with another example of equal value, and with a random base.
        seed: Seed of the examples, the pairs and the bases.

    Raises:
        AlignmentError: the alignment belongs to another network, the variable is continuous, or no value occurs twice.
        UnknownNameError: the causal model has no such variable.
    """
    hypothesis = task.hypothesis(alignment.hypothesis)
    hypothesis.model.check_names((variable,))
    pool = task.draw_examples(
        pairs, split="test", generator=derived_generator(seed, "varies"), for_hypotheses=(hypothesis.name,)
    )
    rows = pool.rows(hypothesis)
    inputs = pool.inputs[rows].to(network.device)
    values = hypothesis.model.variables[variable].values
    if values is None:
        raise continuous_variable_error(variable)
    value_of_row = pool.values[variable][rows]
    first, second = _pairs_of_equal_value(value_of_row, values, derived_generator(seed, "varies", "sources"))
    if not len(first):
        raise AlignmentError(
            f"No value of the variable {variable!r} occurs twice in {pairs} examples.",
            "Two sources of equal value are needed for each comparison.",
            "Draw more examples with `pairs=`.",
        )
    bases = inputs[torch.randint(len(inputs), first.shape, generator=derived_generator(seed, "varies", "bases"))]
    answers = [
        alignment.intervene(network, bases, **{variable: inputs[sources]}).argmax(1) for sources in (first, second)
    ]
    differs = (answers[0] != answers[1]).double().cpu()
    has_value = {value: value_of_row[first] == value for value in values}
    shares = {value: float(differs[pairs].mean()) for value, pairs in has_value.items() if pairs.any()}
    return SourceVariation(share=float(differs.mean()), of_value=shares)


def _pairs_of_equal_value(
    value_of_row: Int[Tensor, " row"], values: tuple[int, ...], generator: torch.Generator
) -> tuple[Int[Tensor, " pair"], Int[Tensor, " pair"]]:
    """Every row whose value occurs twice, and for each of them another row of the same value."""
    first, second = [torch.empty(0, dtype=torch.long)], [torch.empty(0, dtype=torch.long)]
    for value in values:
        rows = (value_of_row == value).nonzero().flatten()
        if len(rows) > 1:
            mixed = rows[torch.randperm(len(rows), generator=generator)]
            first.append(mixed)
            second.append(mixed.roll(1))
    return torch.cat(first), torch.cat(second)


VariationByVariable = dict[str, float]
"""Share of bases for which two sources of equal value give different answers, by variable."""


class SourceVariationControl(AbstractControl[VariationByVariable]):
    """How often the answer depends on which source of equal value is used. It decides no verdict."""

    name = "source_variation"
    description = "answers were compared between sources of equal value"

    def measure(self, context: ControlContext) -> list[VariationByVariable | None]:
        measured: list[VariationByVariable | None] = []
        for i, alignment in enumerate(context.alignments):
            if alignment is None:
                measured.append(None)
                continue
            shares: VariationByVariable = {}
            for variable in alignment.variables:
                with suppress(AlignmentError):  # a continuous variable has no sources of equal value
                    shares[variable] = source_variation(
                        alignment,
                        variable,
                        context.networks[i],
                        context.task,
                        pairs=CONTROL_PAIRS,
                        seed=context.portfolio.seed,
                    ).share
            measured.append(shares)
        return measured

    def evidence(self, result: VariationByVariable | None, context: EvidenceContext) -> list[Evidence]:
        if result is None or context.variable not in result:
            return []
        text = f"For {result[context.variable]:.3f} of the bases, two sources of equal value give different answers."
        return [Evidence(control="source variation", text=text, passes=None)]
