"""The control `source_variation`: do two sources of equal value give different answers?"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.operand_leakage import is_continuous_error
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

SOURCE_PAIRS = 8192
CONTROL_PAIRS = 4_000
"""Pairs of sources that the control draws; it decides nothing, so it needs no more."""


class SourceVariation(NamedTuple):
    """How much the answer depends on which source of equal value was taken.

    Args:
        share: of pairs of such sources, with the base fixed, in which the answers differ.
        of_value: the same for each value of the variable that occurs twice.
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
    pool = task.draw_examples(
        pairs, split="test", generator=derived_generator(seed, "varies"), for_hypotheses=(hypothesis.name,)
    )
    rows = pool.rows(hypothesis)
    inputs = pool.inputs[rows].to(network.device)
    values = hypothesis.model.variables[variable].values
    if values is None:
        raise is_continuous_error(variable)
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


VariationByVariable = dict[str, float]
"""For each variable the share of bases in which two sources of equal value give different answers."""


class SourceVariationControl(AbstractControl[VariationByVariable]):
    """How much the answer depends on which source of equal value was taken. It decides no verdict."""

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
                with suppress(AlignmentError):  # a number or a vector has no equal values
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

    def to_json(self, result: VariationByVariable) -> VariationByVariable:
        return result

    def from_json(self, data: VariationByVariable) -> VariationByVariable:
        return dict(data)

    def evidence(self, result: VariationByVariable | None, context: EvidenceContext) -> list[Evidence]:
        if result is None or context.variable not in result:
            return []
        text = f"In {result[context.variable]:.3f} of the bases two sources of equal value give different answers."
        return [Evidence(control="source variation", text=text, passes=None)]
