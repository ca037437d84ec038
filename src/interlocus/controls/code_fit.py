"""The control `code_fit`: what share of interventions is answered as each candidate code would answer.

The cells of all kinds of interventions are fitted jointly: in a cell every candidate says with which probability the
counterfactual label is given, and shares of the candidates, with a share of guesses, are those of greatest likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size, parse_size
from interlocus.alignment.evaluation import EvaluationSet, interchange_in
from interlocus.alignment.metrics import JOINT, Grouping
from interlocus.causal.enumeration import WeightedInterventions, enumerate_interventions, enumerate_settings
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import kind_rows
from interlocus.causal.model import Values
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import can_be_enumerated

NOTHING, GUESS = "nothing", "guess"
FIT_ITERATIONS = 500
FIT_INTERVENTIONS = 4_000
"""Examples and interventions, at most: the control decides nothing, so it needs no more."""
MIN_CODE_SHARE = 0.02
"""Codes with a smaller share are not named."""
Counts = Float[np.ndarray, " cell"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """How a site that carries some variables, and nothing else, answers each intervention.

    Args:
        name: of the code.
        hit: for each cell the probability of the counterfactual label.
        tie: for each cell the group of cells among which it is free which of two labels is given, or −1.
        first: whether the label of a cell is the first of the two.
    """

    name: str
    hit: Float[np.ndarray, " cell"]
    tie: Int[np.ndarray, " cell"]
    first: Float[np.ndarray, " cell"]


def candidates(asked: WeightedInterventions, rivals: Sequence[Hypothesis]) -> tuple[Candidate, ...]:
    """The variables that are asked for, the rivals, the output copied from a source, and nothing."""
    output, own = asked.hypothesis.model.output, asked.hypothesis.variables
    found = [_carrying("+".join(own), asked, own)]
    found += [_carrying("+".join(rival.variables), asked, rival.variables) for rival in rivals]
    swapped = torch.stack([_swapped(asked, name) for name in own])
    right = torch.stack([asked.sources[name][output] == asked.label for name in own]) & swapped
    copied = (right.sum(0) / swapped.sum(0)).double().numpy()
    stays = (asked.base[output] == asked.label).double().numpy()
    none = np.full(len(stays), -1)
    return (
        *found,
        Candidate(name=output, hit=copied, tie=none, first=stays),
        Candidate(name=NOTHING, hit=stays, tie=none, first=stays),
    )


def _carrying(name: str, asked: WeightedInterventions, carried: Sequence[str]) -> Candidate:
    """The likelier label for each value of the carried variables; where two are as likely, either."""
    seen = [asked.kind]
    for variable in carried:
        seen.append(asked.base[variable])
        seen += [torch.where(_swapped(asked, v), s[variable], -1) for v, s in asked.sources.items()]
    _, group = torch.unique(torch.stack(seen, 1), dim=0, return_inverse=True)
    labels, label = torch.unique(asked.label, return_inverse=True)
    mass = torch.zeros(int(group.max()) + 1, len(labels), dtype=torch.float64)
    mass.index_put_((group, label), asked.probability, accumulate=True)
    likeliest = mass >= mass.amax(1, keepdim=True) - 1e-12
    hit = (likeliest / likeliest.sum(1, keepdim=True))[group, label]
    free = likeliest.sum(1) == 2
    tie = torch.where(free[group] & likeliest[group, label], group, -1)
    first = label == likeliest.int().argmax(1)[group]
    return Candidate(name=name, hit=hit.double().numpy(), tie=tie.numpy(), first=first.double().numpy())


def _swapped(asked: WeightedInterventions, variable: str) -> Tensor:
    return torch.tensor([variable in kind for kind in asked.hypothesis.kinds])[asked.kind]


def fit_shares(hits: Counts, counts: Counts, among: Sequence[Candidate], classes: int) -> dict[str, float]:
    """The share of each candidate, and of guesses, by expectation and maximisation.

    Args:
        hits: of each cell.
        counts: of interventions in each cell.
        among: the candidates.
        classes: of which one is guessed.
    """
    misses = counts - hits
    weights = np.full(len(among) + 1, 1 / (len(among) + 1))
    likely = np.stack([*(one.hit for one in among), np.full(len(hits), 1 / classes)])
    groups = [
        (one.tie == np.unique(one.tie[one.tie >= 0])[:, None]).astype(float) if (one.tie >= 0).any() else None
        for one in among
    ]
    for _ in range(FIT_ITERATIONS):
        given = np.stack([likely, 1 - likely]) * weights[:, None]
        shares = given / np.maximum(given.sum(1, keepdims=True), 1e-300) * np.stack([hits, misses])[:, None]
        weights = shares.sum((0, 2)) / counts.sum()
        for row, (one, own) in enumerate(zip(among, groups, strict=True)):
            if own is not None:
                says_first = np.where(one.first > 0, shares[0, row], shares[1, row])
                share = (own @ says_first) / np.maximum(own @ shares[:, row].sum(0), 1e-300)
                of_cell = own.T @ share
                likely[row] = np.where(one.tie >= 0, np.where(one.first > 0, of_cell, 1 - of_cell), likely[row])
    return dict(zip([*(one.name for one in among), GUESS], weights.tolist(), strict=True))


@dataclass(frozen=True, kw_only=True)
class Code:
    """What a site answers like.

    Args:
        shares: of each candidate, by name; with `guess` they add up to one.
        count: of interventions.
    """

    shares: dict[str, float]
    count: int

    @property
    def likeliest(self) -> str:
        """The candidate with the largest share, guesses left out."""
        return max((name for name in self.shares if name != GUESS), key=self.shares.__getitem__)

    @property
    def lapse(self) -> float:
        """Share of guesses."""
        return self.shares[GUESS]


def fit_code(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    rivals: Sequence[str] = (),
    budget: Budget | None = None,
    seed: int = 0,
) -> Code:
    """The code that the interventions of an alignment are answered by.

    Args:
        alignment: of several variables, or of one.
        network: in which it was found.
        task: what the network solves; its interventions can be counted out.
        rivals: other hypotheses, by name, that may be what the site holds.
        budget: how many examples and interventions.
        seed: decides on them; the same as that of a search gives its test interventions.

    Raises:
        AlignmentError: the alignment belongs to another network.
        SpecificationError: interventions that cannot be counted out, or a rival with variables of its own.
    """
    if len(network) != 1 or network.fingerprint() != alignment.network:
        raise AlignmentError.of_another_network(alignment.network, network.fingerprint())
    budget, sought = budget or Budget(), task.hypothesis(alignment.hypothesis)
    others = [task.hypothesis(name) for name in rivals]
    wanted = {name for one in others for name in one.variables}
    if not can_be_enumerated(task, sought) or not sought.model.follows(task.roots) >= wanted:
        raise SpecificationError(
            f"The code of {sought.name!r} is asked for, among {', '.join(rivals) or 'no rivals'}.",
            "Not all of these follow from discrete variables whose settings can be counted out.",
            "Leave out what is continuous, and give the task `roots`.",
        )
    asked = enumerate_interventions(sought, enumerate_settings(sought.model, task.roots))
    pool = task.draw_examples(
        budget.held_out, split="test", generator=derived_generator(seed, "pool", "test"), for_hypotheses=(sought.name,)
    )
    held_out = EvaluationSet.draw(
        network, alignment.site, pool, (sought,), count=budget.test, batch=budget.batch,
        generator=lambda hypothesis: derived_generator(seed, "test", hypothesis.name),
    )  # fmt: skip
    held_out = replace(held_out, groupings=(_by_setting(asked, held_out, pool.values),))
    interchange, problems = interchange_in(network, alignment.site, 0, linear=alignment.frames.linear)
    (score,) = held_out.scores(interchange, alignment.frames.as_stack(network.device), problems)
    hits, counts = (np.array([getattr(cell, name) for cell in score.cells], dtype=float) for name in ("hits", "count"))
    shares = fit_shares(hits, counts, candidates(asked, others), task.classes)
    return Code(shares=shares, count=score.count)


def _by_setting(asked: WeightedInterventions, held_out: EvaluationSet, values: Values) -> Grouping:
    """Sort drawn interventions into the cells that were counted out: by the settings of the base and of all sources."""
    hypothesis, (drawn,) = asked.hypothesis, held_out.interventions
    roots = [name for name in asked.base if name in hypothesis.model.variables and name in values]
    steps = drawn.base.reshape(-1, drawn.base.shape[-1])
    kind = torch.zeros_like(steps)
    for index, (_, rows) in enumerate(kind_rows(hypothesis, steps.shape[1])):
        kind[:, rows] = index

    def keys(first: Tensor, parts: Sequence[Values]) -> Tensor:
        return torch.stack([first, *(part[name] for part in parts for name in roots)], 1)

    known = keys(asked.kind, [asked.base, *asked.sources.values()])
    rows = [drawn.base.flatten(), *drawn.sources.flatten(1)]
    own = keys(kind.flatten(), [{name: values[name][one] for name in roots} for one in rows])
    _, place = torch.unique(torch.cat([known, own]), dim=0, return_inverse=True)
    cell = torch.full((int(place.max()) + 1,), -1)
    cell[place[: len(known)]] = torch.arange(len(known))
    names = tuple((JOINT.join(hypothesis.kinds[int(k)]), str(i)) for i, k in enumerate(asked.kind))
    index = cell[place[len(known) :]]
    assert bool((index >= 0).all()), "a drawn intervention was not counted out"
    return Grouping(names, torch.nn.functional.one_hot(index, len(known)).float())


@dataclass(frozen=True, kw_only=True)
class CodeFitResult:
    """The code by which the interventions of the site's alignment are answered.

    Args:
        featurizer: Name of the alignment's featurizer.
        size: Features per variable of the alignment.
        shares: For each candidate code its share of the interventions; with `guess` they add up to one.
    """

    featurizer: str
    size: Size
    shares: dict[str, float]


class CodeFit(AbstractControl[CodeFitResult]):
    """Whether the site answers as if it held the variables, a rival, the output or nothing. It decides no verdict."""

    name = "code_fit"
    description = "the answers to interventions were fitted by what the site may hold"

    def measure(self, context: ControlContext) -> list[CodeFitResult | None]:
        return [
            None if alignment is None else self._fitted(alignment, context.networks[i], context)
            for i, alignment in enumerate(context.alignments)
        ]

    def _fitted(self, alignment: Alignment, network: AbstractNetworks, context: ControlContext) -> CodeFitResult | None:
        portfolio = context.portfolio
        fewer = portfolio.budget.model_copy(
            update={
                "held_out": min(portfolio.budget.held_out, FIT_INTERVENTIONS),
                "test": min(portfolio.budget.test, FIT_INTERVENTIONS),
            }
        )
        try:
            code = fit_code(
                alignment, network, context.task, rivals=portfolio.rivals, budget=fewer, seed=portfolio.seed
            )
        except SpecificationError:  # what does not follow from a few discrete values cannot be counted out
            return None
        return CodeFitResult(featurizer=alignment.featurizer, size=alignment.size, shares=code.shares)

    def to_json(self, result: CodeFitResult) -> dict[str, Any]:
        return asdict(result)

    def from_json(self, data: dict[str, Any]) -> CodeFitResult:
        return CodeFitResult(featurizer=data["featurizer"], size=parse_size(data["size"]), shares=data["shares"])

    def evidence(self, result: CodeFitResult | None, context: EvidenceContext) -> list[Evidence]:
        if result is None:
            return []
        shares = sorted(result.shares.items(), key=lambda item: -item[1])
        named = ", ".join(f"{name} {share:.2f}" for name, share in shares if share >= MIN_CODE_SHARE)
        text = (
            f"Interventions with the {result.featurizer} map of size {result.size} are answered as if the site held: "
            f"{named}."
        )
        return [Evidence(control="code fit", text=text, passes=None)]
