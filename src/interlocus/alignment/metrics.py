"""Scores: interchange intervention accuracy (IIA), overall, by kind of intervention and with intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, kind_rows
from interlocus.causal.single_use import AddedInterventions
from interlocus.core.json_record import JsonRecord
from interlocus.core.statistics import Interval, clopper_pearson

JOINT = "+"
"""Separates the names of variables that are exchanged at once."""


@dataclass(frozen=True, kw_only=True)
class Cell(JsonRecord):
    """Results of the interventions that exchange the same variables and change their values in the same way.

    Args:
        kind: Names of the exchanged variables, separated by `+`.
        change: For one discrete variable its transition, such as `"0→1"` from base to source value. For a continuous
            variable and for several variables, whether the label `"changes"` or `"stays"`.
        hits: Number of natural interventions after which the network gave the counterfactual label.
        count: Number of natural interventions, possibly 0.
        added_hits: The same of the interventions that were added because the transition is rare. They count for the
            cell and not for the IIA of the alignment.
        added_count: Number of added interventions.
    """

    kind: str
    change: str
    hits: int
    count: int
    added_hits: int = 0
    added_count: int = 0

    @property
    def all_hits(self) -> int:
        """Hits of natural and of added interventions."""
        return self.hits + self.added_hits

    @property
    def all_count(self) -> int:
        """Number of natural and of added interventions."""
        return self.count + self.added_count

    @property
    def iia(self) -> float:
        """Share of hits among all interventions, from 0 to 1; not a number if there are none."""
        return self.all_hits / self.all_count if self.all_count else float("nan")


@dataclass(frozen=True, kw_only=True)
class Score(JsonRecord):
    """The IIA of an alignment on test examples, on which nothing was fitted or chosen.

    Args:
        cells: Hits and counts by kind of intervention and change of value.
        answer_change_rate: Share of interchanges that change the network's answer. Near 0 the maps exchange nothing
            that the network uses.
        solved_hits: Hits among the interventions whose base and sources the network classifies correctly.
        solved_count: Number of interventions whose base and sources the network classifies correctly, possibly 0.
    """

    cells: tuple[Cell, ...]
    answer_change_rate: float
    solved_hits: int = 0
    solved_count: int = 0

    @property
    def count(self) -> int:
        """Number of natural interventions."""
        return sum(cell.count for cell in self.cells)

    @property
    def hits(self) -> int:
        """Number of interventions after which the network gave the label of the causal model."""
        return sum(cell.hits for cell in self.cells)

    @property
    def single_kinds(self) -> tuple[str, ...]:
        """The variables that are exchanged, in order."""
        return tuple(dict.fromkeys(cell.kind for cell in self.cells if JOINT not in cell.kind))

    @property
    def iia(self) -> float:
        """Interchange intervention accuracy (arXiv 2303.02536, section 3.2)."""
        return self.hits / self.count

    @property
    def iia_solved(self) -> float:
        """IIA over the interventions whose base and sources the network classifies correctly."""
        return self.solved_hits / self.solved_count if self.solved_count else float("nan")

    @property
    def interval(self) -> Interval:
        """IIA with its exact 95 % interval (Clopper–Pearson) over interventions, valid for this network only."""
        return Interval(self.iia, *clopper_pearson(self.hits, self.count))

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
        """IIA by the names of the exchanged variables."""
        names = dict.fromkeys(cell.kind for cell in self.cells)
        parts = {name: [cell for cell in self.cells if cell.kind == name] for name in names}
        return {name: sum(c.hits for c in cells) / sum(c.count for c in cells) for name, cells in parts.items()}

    @property
    def worst_transition(self) -> float:
        """The smallest IIA of a cell with one exchanged variable.

        It is low for maps that work in one direction only, for instance for 0→1 but not for 1→0.
        """
        return min(cell.iia for cell in self.cells if JOINT not in cell.kind and cell.all_count)

    def with_added(self, grouping: Grouping, correct: Float[Tensor, " batch"]) -> Score:
        """The same score with the interventions that were added to cells.

        Args:
            grouping: The cell of each added intervention; the names are those of the score's cells.
            correct: One where the network gave the counterfactual label, else zero.
        """
        hits, counts = (correct @ grouping.one_hot).long().tolist(), grouping.one_hot.sum(0).long().tolist()
        return replace(
            self,
            cells=tuple(
                replace(cell, added_hits=h, added_count=n) for cell, h, n in zip(self.cells, hits, counts, strict=True)
            ),
        )


class Grouping(NamedTuple):
    """The cell of each intervention.

    Args:
        names: Kind and change of each cell, see `Cell`.
        one_hot: One where an intervention belongs to a cell.
    """

    names: tuple[tuple[str, str], ...]
    one_hot: Float[Tensor, "batch cell"]


def group(hypothesis: Hypothesis, interventions: Interventions, pool: Examples) -> Grouping:
    """Sort a batch of interventions into cells.

    Args:
        hypothesis: The hypothesis for which the interventions were drawn.
        interventions: One batch, without an axis for steps.
        pool: The pool to whose rows the interventions refer.
    """
    names: dict[tuple[str, str], int] = {}
    index = torch.zeros_like(interventions.base)
    before = pool.values[hypothesis.model.output][interventions.base]
    for kind, rows in kind_rows(hypothesis, len(interventions.base)):
        values = hypothesis.model.variables[kind[0]].values if len(kind) == 1 else None
        if values:
            variable = kind[0]
            column = hypothesis.variables.index(variable)
            changes = [f"{old}→{new}" for old in values for new in values]
            old, new = (
                (pool.values[variable][part[rows]][:, None] == torch.tensor(values)).int().argmax(1)
                for part in (interventions.base, interventions.sources[column])
            )
            code = old * len(values) + new
        else:
            changes = ["stays", "changes"]
            code = (interventions.labels[rows] != before[rows]).long()
        first = len(names)
        names |= {(JOINT.join(kind), change): first + i for i, change in enumerate(changes)}
        index[rows] = first + code
    return Grouping(tuple(names), torch.nn.functional.one_hot(index, len(names)).float())


def group_added(grouping: Grouping, added: AddedInterventions) -> Grouping:
    """The cell of each added intervention; those that fill up the last batch belong to none.

    Args:
        grouping: The cells of the natural interventions.
        added: Interventions of rare transitions.
    """
    number = {name: i for i, name in enumerate(grouping.names)}
    base = added.interventions.base
    index = torch.full_like(base, len(grouping.names))
    for place, variable in zip(added.interventions.places, added.variables, strict=True):
        cells = [number[variable, f"{old}→{new}"] for old, new in added.transitions.get(variable, ())]
        rows = index[:, place].flatten().clone()
        rows[: len(cells)] = torch.tensor(cells, dtype=torch.long)
        index[:, place] = rows.view_as(index[:, place])
    one_hot = torch.nn.functional.one_hot(index.flatten(), len(grouping.names) + 1)
    return grouping._replace(one_hot=one_hot[:, :-1].float())


def scores(
    grouping: Grouping,
    correct: Float[Tensor, "search batch"],
    changed: Float[Tensor, "search batch"],
    solved: Float[Tensor, " batch"],
) -> list[Score]:
    """One score per search.

    Args:
        grouping: The cell of each intervention.
        correct: One where the network gave the counterfactual label, else zero.
        changed: One where the answer differs from that without intervention, else zero.
        solved: One where the network classifies base and sources correctly without intervention, else zero.
    """
    hits = (correct @ grouping.one_hot).round().long().tolist()
    counts = grouping.one_hot.sum(0).long().tolist()
    return [
        Score(
            answer_change_rate=answer_change_rate,
            solved_hits=solved_hits,
            solved_count=int(solved.sum()),
            cells=tuple(
                Cell(kind=kind, change=change, hits=h, count=n)
                for (kind, change), h, n in zip(grouping.names, row, counts, strict=True)
            ),
        )
        for row, answer_change_rate, solved_hits in zip(
            hits, changed.double().mean(1).tolist(), (correct @ solved).round().long().tolist(), strict=True
        )
    ]
