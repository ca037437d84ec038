"""Cells of examples: those on which some variables have the same values, in equal numbers for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import Values
from interlocus.core.random import derived_generator
from interlocus.tasks import AbstractTask, Split

MIN_STATES = 200
"""States behind the mean of a cell. The mean of fewer is noisy, and the network then loses answers that are close."""
STATES = 12_000
"""States for the means, and as many for testing, divided evenly among the cells."""
MAX_JOINT_VALUES = 128
"""If the variables have more joint values, as many are drawn at random."""
MAX_EXAMPLES = 2**18
"""Examples that are drawn before a cell is given up, which then has a probability below about .0008."""
PATIENCE = 8
"""When as many times the wanted number of examples were drawn, a cell needs no more than `MIN_STATES`."""
BLOCK = 2**13
"""Examples that are drawn, or run, at once."""
MIN_CELLS_MEASURED = 0.9
"""Share of the cells that must have enough states."""


class Partition(NamedTuple):
    """A division of examples into cells, by the values of some variables.

    Args:
        name: Name of the partition in a result.
        variables: Variables that have equal values within a cell.
        sort_values: Whether only the number of variables with each value counts, and not which they are.
    """

    name: str
    variables: tuple[str, ...]
    sort_values: bool = False

    def keys(self, values: Values) -> Int[Tensor, "row variable"]:
        """For each example what it has in common with its cell.

        Args:
            values: Values of the variables, by name.
        """
        keys = torch.stack([values[name] for name in self.variables], 1)
        return keys.sort(1).values if self.sort_values else keys


class CellExamples(NamedTuple):
    """Examples of which each cell has equally many, with the values that define the cells."""

    inputs: Float[Tensor, "row ..."]
    values: Values


def partitions(asked: Hypothesis, rivals: Sequence[Hypothesis]) -> list[Partition]:
    """The partitions that are compared, the finest first. Of several with the same variables one is kept.

    Args:
        asked: The hypothesis. The finest cells have equal values of its variables, and of the others that the answer
            needs.
        rivals: Hypotheses whose cells are compared with them.
    """
    model, variables = asked.model, asked.variables
    named = [(*variables, *asked.needed), *((name,) for name in variables)]
    made = {frozenset(names): Partition("+".join(names), names) for names in named}
    if len(variables) > 1 and len({model.variables[name].values for name in variables}) == 1:
        count = f"count({', '.join(variables)})"  # not the name of a variable, which may be `count`
        made[frozenset((count,))] = Partition(count, variables, sort_values=True)
    comparable = [rival for rival in rivals if asked.sampled == "freely" and _has_cells(rival)]
    for names in [*((*rival.variables, *rival.needed) for rival in comparable), (model.output,)]:
        made.setdefault(frozenset(names), Partition("+".join(names), names))
    return [*made.values()]


def _has_cells(rival: Hypothesis) -> bool:
    """Whether the values of a rival's variables are known on every example, and can be equal."""
    discrete = all(rival.model.variables[name].values for name in (*rival.variables, *rival.needed))
    return discrete and rival.sampled == "freely"


def draw_cells(
    task: AbstractTask, asked: Hypothesis, partition: Partition, *, states: int = STATES, seed: int
) -> tuple[CellExamples, CellExamples] | None:
    """Draw two sets of examples, of the train and of the test split, with equally many of each cell.

    Args:
        task: The task, which is sampled until each cell has enough examples.
        asked: The hypothesis whose examples are drawn.
        partition: The cells. Of more than 128 that occur, as many are chosen at random.
        states: Number of examples of each set; each cell has at least 200.
        seed: Seed of the examples and of the choice of cells.

    Returns:
        `None` if more than a tenth of the cells have fewer than 200 examples among all that were drawn. Others are left
        out.
    """
    seen = _block(task, asked, "train", derived_generator(seed, "cells", "first"))
    cells = torch.unique(partition.keys(seen.values), dim=0)
    if len(cells) > MAX_JOINT_VALUES:
        cells = cells[torch.randperm(len(cells), generator=derived_generator(seed, "cells"))[:MAX_JOINT_VALUES]]
    wanted = max(MIN_STATES, states // len(cells))

    def drawn(split: Split) -> tuple[CellExamples, Tensor]:
        return _collect(task, asked, partition, cells, wanted, split, derived_generator(seed, "cells", split))

    train, test = drawn("train"), drawn("test")
    counts = torch.minimum(*(torch.bincount(cell, minlength=len(cells)) for _, cell in (train, test)))
    enough = counts >= MIN_STATES
    if _share(enough) < MIN_CELLS_MEASURED:
        return None
    chosen, count = enough.nonzero().flatten(), int(counts[enough].min())
    generator = derived_generator(seed, "cells", "order")
    first, second = (_mixed(_first_of_each(*one, chosen, count), generator) for one in (train, test))
    return first, second


def _block(task: AbstractTask, asked: Hypothesis, split: Split, generator: torch.Generator) -> CellExamples:
    """Some examples of the hypothesis, of which each cell has as many as the task draws."""
    pool = task.draw_examples(BLOCK, split=split, generator=generator, for_hypotheses=(asked.name,))
    rows = pool.rows(asked)
    return CellExamples(pool.inputs[rows], {name: value[rows] for name, value in pool.values.items()})


def _collect(
    task: AbstractTask,
    asked: Hypothesis,
    joint: Partition,
    cells: Int[Tensor, "cell variable"],
    wanted: int,
    split: Split,
    generator: torch.Generator,
) -> tuple[CellExamples, Int[Tensor, " row"]]:
    """Draw examples until each cell has as many as are wanted; rare cells may end with fewer, or with none."""
    kept: list[tuple[CellExamples, Tensor]] = []
    counts = torch.zeros(len(cells), dtype=torch.long)
    for drawn in range(BLOCK, MAX_EXAMPLES + 1, BLOCK):
        block = _block(task, asked, split, generator)
        _, group = torch.unique(torch.cat([cells, joint.keys(block.values)]), dim=0, return_inverse=True)
        cell_of_group = torch.full((int(group.max()) + 1,), -1)
        cell_of_group[group[: len(cells)]] = torch.arange(len(cells))
        cell = cell_of_group[group[len(cells) :]]
        rows = ((cell >= 0) & (counts[cell] < wanted)).nonzero().flatten()
        kept.append((_rows_of(block, rows), cell[rows]))
        counts += torch.bincount(cell[rows], minlength=len(cells))
        patient = drawn < PATIENCE * wanted * len(cells)
        hopeless = drawn > BLOCK and _share(counts * MAX_EXAMPLES < drawn * MIN_STATES / 2) > 1 - MIN_CELLS_MEASURED
        if hopeless or bool((counts >= (wanted if patient else MIN_STATES)).all()):
            break
    blocks, of_cell = zip(*kept, strict=True)
    values = {name: torch.cat([block.values[name] for block in blocks]) for name in blocks[0].values}
    return CellExamples(torch.cat([block.inputs for block in blocks]), values), torch.cat(of_cell)


def _rows_of(states: CellExamples, rows: Int[Tensor, " row"]) -> CellExamples:
    return CellExamples(states.inputs[rows], {name: value[rows] for name, value in states.values.items()})


def _first_of_each(
    states: CellExamples, cell: Int[Tensor, " row"], cells: Int[Tensor, " cell"], count: int
) -> CellExamples:
    """The first examples of each cell, equally many."""
    return _rows_of(states, torch.cat([(cell == one).nonzero().flatten()[:count] for one in cells]))


def _mixed(examples: CellExamples, generator: torch.Generator) -> CellExamples:
    return _rows_of(examples, torch.randperm(len(examples.inputs), generator=generator))


def _share(condition: Bool[Tensor, " cell"]) -> float:
    return float(condition.double().mean())
