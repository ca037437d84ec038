"""How good an interchange is: interchange intervention accuracy (IIA) with its parts and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, kind_rows
from interlocus.core.statistics import Interval, wilson

JOINT = "+"
"""Stands between the variables that are swapped at once."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Interventions that are alike.

    Args:
        kind: which variables were swapped.
        change: `"0→1"`, base value to source value, for one discrete variable; for a continuous one, and for a joint
            intervention, whether the label `"changes"` or `"stays"`.
        hits: how often the network answered with the counterfactual label.
        count: how often it was asked.
    """

    kind: str
    change: str
    hits: int
    count: int

    @property
    def iia(self) -> float:
        """Share of hits."""
        return self.hits / self.count if self.count else float("nan")


@dataclass(frozen=True, kw_only=True)
class Score:
    """The IIA of an alignment on examples that no choice was made on.

    Args:
        cells: hits and counts of interventions that are alike.
        answer_change_rate: share of swaps that change the network's answer; near zero nothing was swapped.
        solved_hits: hits among the interventions whose base and sources the network solves without intervention.
        solved_count: how many these are.
    """

    cells: tuple[Cell, ...]
    answer_change_rate: float
    solved_hits: int = 0
    solved_count: int = 0

    @property
    def count(self) -> int:
        """How many interventions were asked."""
        return sum(cell.count for cell in self.cells)

    @property
    def hits(self) -> int:
        """How many were answered as the causal model says."""
        return sum(cell.hits for cell in self.cells)

    @property
    def iia(self) -> float:
        """Interchange intervention accuracy (arXiv 2303.02536, section 3.2)."""
        return self.hits / self.count

    @property
    def iia_solved(self) -> float:
        """IIA over the interventions whose base and sources the network solves: its own mistakes are left out."""
        return self.solved_hits / self.solved_count if self.solved_count else float("nan")

    @property
    def interval(self) -> Interval:
        """IIA with Wilson's interval over interventions: what it says is about this network only."""
        return Interval(self.iia, *wilson(self.hits, self.count))

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.interval.low

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.interval.high

    @property
    def kinds(self) -> dict[str, float]:
        """IIA of each kind of intervention."""
        names = dict.fromkeys(cell.kind for cell in self.cells)
        parts = {name: [cell for cell in self.cells if cell.kind == name] for name in names}
        return {name: sum(c.hits for c in cells) / sum(c.count for c in cells) for name, cells in parts.items()}

    @property
    def worst_transition(self) -> float:
        """The smallest IIA of a cell with one variable swapped: a trick that works one way only shows here."""
        return min(cell.iia for cell in self.cells if JOINT not in cell.kind and cell.count)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a record."""
        return {
            "answer_change_rate": self.answer_change_rate,
            "solved_hits": self.solved_hits,
            "solved_count": self.solved_count,
            "cells": [asdict(cell) for cell in self.cells],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Score:
        """What `to_json` wrote."""
        plain = {name: value for name, value in data.items() if name != "cells"}
        return cls(**plain, cells=tuple(Cell(**cell) for cell in data["cells"]))


class Grouping(NamedTuple):
    """Which cell each intervention belongs to."""

    names: tuple[tuple[str, str], ...]
    one_hot: Float[Tensor, "batch cell"]


def group(hypothesis: Hypothesis, asked: Interventions, pool: Examples) -> Grouping:
    """Sort a batch of interventions into cells."""
    names: dict[tuple[str, str], int] = {}
    index = torch.zeros_like(asked.base)
    before = pool.values[hypothesis.model.output][asked.base]
    for kind, rows in kind_rows(hypothesis, len(asked.base)):
        values = hypothesis.model.variables[kind[0]].values if len(kind) == 1 else None
        if values:
            variable = kind[0]
            place = hypothesis.variables.index(variable)
            changes = [f"{old}→{new}" for old in values for new in values]
            old, new = (
                (pool.values[variable][part[rows]][:, None] == torch.tensor(values)).int().argmax(1)
                for part in (asked.base, asked.sources[place])
            )
            code = old * len(values) + new
        else:
            changes = ["stays", "changes"]
            code = (asked.labels[rows] != before[rows]).long()
        first = len(names)
        names |= {(JOINT.join(kind), change): first + i for i, change in enumerate(changes)}
        index[rows] = first + code
    return Grouping(tuple(names), torch.nn.functional.one_hot(index, len(names)).float())


def scores(
    grouping: Grouping,
    right: Float[Tensor, "search batch"],
    changed: Float[Tensor, "search batch"],
    solved: Float[Tensor, " batch"],
) -> list[Score]:
    """One score a search.

    Args:
        grouping: the cells.
        right: one where the network answered with the counterfactual label.
        changed: one where its answer is another than without intervention.
        solved: one where it gives base and sources their classes without intervention.
    """
    hits = (right @ grouping.one_hot).round().long().tolist()
    counts = grouping.one_hot.sum(0).long().tolist()
    return [
        Score(
            answer_change_rate=answer_change_rate,
            solved_hits=among,
            solved_count=int(solved.sum()),
            cells=tuple(
                Cell(kind=kind, change=change, hits=h, count=n)
                for (kind, change), h, n in zip(grouping.names, row, counts, strict=True)
            ),
        )
        for row, answer_change_rate, among in zip(
            hits, changed.double().mean(1).tolist(), (right @ solved).round().long().tolist(), strict=True
        )
    ]
