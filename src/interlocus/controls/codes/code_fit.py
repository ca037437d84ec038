"""The control `code_fit`: which candidate codes explain the answers to the interventions of an alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size
from interlocus.alignment.evaluation_set import EvaluationSet, interchange_in
from interlocus.alignment.metrics import JOINT, Grouping
from interlocus.causal.enumeration import WeightedInterventions, enumerate_interventions, enumerate_settings
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import kind_rows
from interlocus.causal.model import Values
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.codes.candidate_codes import GUESS, candidates, fit_shares
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import can_be_enumerated
from interlocus.tasks.splits import draw_test_examples

FIT_INTERVENTIONS = 4_000
"""Maximal number of examples and of interventions. The control decides no verdict, so it needs no more."""
MIN_CODE_SHARE = 0.02
"""Codes with a smaller share are left out of the evidence."""


@dataclass(frozen=True, kw_only=True)
class FittedCode:
    """The shares of candidate codes in the answers to interventions on one site.

    Args:
        shares: Share of each candidate by its name, and of guesses by `guess`; they sum to 1.
        count: Number of interventions to which the shares were fitted.
    """

    shares: dict[str, float]
    count: int

    @property
    def likeliest(self) -> str:
        """Name of the candidate with the largest share, without guesses."""
        return max((name for name in self.shares if name != GUESS), key=self.shares.__getitem__)


def fit_code(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    rivals: Sequence[str] = (),
    budget: Budget | None = None,
    seed: int = 0,
) -> FittedCode:
    """Fit candidate codes to the interventions of an alignment on test examples.

    Args:
        alignment: Alignment of the hypothesis whose variables are the first candidate.
        network: The single network to which the alignment belongs.
        task: The task that the network solves. It must declare `roots`, so that interventions can be enumerated.
        rivals: Names of hypotheses of the task whose variables the site may carry instead.
        budget: Numbers of examples and interventions; by default those of a search.
        seed: Seed of the examples and interventions. The seed of a search gives its test interventions.

    Raises:
        AlignmentError: the alignment belongs to another network.
        SpecificationError: the interventions cannot be enumerated, or a rival has continuous variables.
    """
    if len(network) != 1 or network.fingerprint() != alignment.network:
        raise AlignmentError.of_another_network(alignment.network, network.fingerprint())
    budget, hypothesis = budget or Budget(), task.hypothesis(alignment.hypothesis)
    rival_hypotheses = [task.hypothesis(name) for name in rivals]
    interventions = _enumerated(task, hypothesis, rival_hypotheses)
    pool = draw_test_examples(task, budget, seed=seed, hypotheses=(hypothesis.name,))
    held_out = EvaluationSet.draw_test(network, alignment.site, pool, (hypothesis,), sizes=budget, seed=seed)
    # the shares are fitted to cells of all variables at once, so interventions of single transitions do not count
    held_out = replace(held_out, groupings=(_by_cell(interventions, held_out, pool.values),), added=())
    interchange, problems = interchange_in(network, alignment.site, 0, linear=alignment.frames.linear)
    (score,) = held_out.scores(interchange, alignment.frames.as_stack(network.device), problems)
    hits = np.array([cell.hits for cell in score.cells], dtype=float)
    counts = np.array([cell.count for cell in score.cells], dtype=float)
    shares = fit_shares(hits, counts, candidates(interventions, rival_hypotheses), task.classes)
    return FittedCode(shares=shares, count=score.count)


def _enumerated(task: AbstractTask, hypothesis: Hypothesis, rivals: Sequence[Hypothesis]) -> WeightedInterventions:
    """All interventions of a hypothesis, with the values of its rivals' variables."""
    needed = {name for rival in rivals for name in rival.variables}
    if not can_be_enumerated(task, hypothesis) or not hypothesis.model.follows(task.roots) >= needed:
        raise SpecificationError(
            f"The hypothesis {hypothesis.name!r} or one of its rivals ({', '.join(r.name for r in rivals) or 'none'}) "
            "has variables that do not follow from the discrete `roots` of the task.",
            "Codes are fitted to cells of interventions, which are enumerated from the values of the roots.",
            "Leave out hypotheses with continuous variables, or declare `roots` for the task.",
        )
    return enumerate_interventions(hypothesis, enumerate_settings(hypothesis.model, task.roots))


def _by_cell(interventions: WeightedInterventions, held_out: EvaluationSet, values: Values) -> Grouping:
    """Sort drawn interventions into the enumerated cells, by the values of the roots on the base and on all sources."""
    hypothesis, (drawn,) = interventions.hypothesis, held_out.interventions
    roots = [name for name in interventions.base if name in hypothesis.model.variables and name in values]
    steps = drawn.base.reshape(-1, drawn.base.shape[-1])
    kind = torch.zeros_like(steps)
    for index, (_, rows) in enumerate(kind_rows(hypothesis, steps.shape[1])):
        kind[:, rows] = index

    def keys(kinds: Tensor, parts: Sequence[Values]) -> Tensor:
        return torch.stack([kinds, *(part[name] for part in parts for name in roots)], 1)

    enumerated = keys(interventions.kind, [interventions.base, *interventions.sources.values()])
    places = [drawn.base.flatten(), *drawn.sources.flatten(1)]
    of_drawn = keys(kind.flatten(), [{name: values[name][rows] for name in roots} for rows in places])
    _, group = torch.unique(torch.cat([enumerated, of_drawn]), dim=0, return_inverse=True)
    cell_of_group = torch.full((int(group.max()) + 1,), -1)
    cell_of_group[group[: len(enumerated)]] = torch.arange(len(enumerated))
    names = tuple((JOINT.join(hypothesis.kinds[int(k)]), str(i)) for i, k in enumerate(interventions.kind))
    cells = cell_of_group[group[len(enumerated) :]]
    assert bool((cells >= 0).all()), "a drawn intervention belongs to no enumerated cell"
    return Grouping(names, torch.nn.functional.one_hot(cells, len(enumerated)).float())


@dataclass(frozen=True, kw_only=True)
class CodeFitResult:
    """The shares of candidate codes in the answers to the interventions of the site's alignment.

    Args:
        featurizer: Name of the alignment's featurizer.
        size: Features per variable of the alignment.
        shares: Share of each candidate by its name, and of guesses by `guess`; they sum to 1.
    """

    featurizer: str
    size: Size
    shares: dict[str, float]


class CodeFit(AbstractControl[CodeFitResult]):
    """Whether a network answers as if the site held the variables, a rival, the output or nothing."""

    name = "code_fit"
    description = "candidate codes of a site were fitted to the answers to interventions"

    def measure(self, context: ControlContext) -> list[CodeFitResult | None]:
        return [
            None if alignment is None else self._fit(alignment, context.networks[i], context)
            for i, alignment in enumerate(context.alignments)
        ]

    def _fit(self, alignment: Alignment, network: AbstractNetworks, context: ControlContext) -> CodeFitResult | None:
        portfolio = context.portfolio
        budget = portfolio.budget.model_copy(update={"test": min(portfolio.budget.test, FIT_INTERVENTIONS)})
        try:
            fitted = fit_code(
                alignment, network, context.task, rivals=portfolio.rivals, budget=budget, seed=portfolio.seed
            )
        except SpecificationError:  # interventions on continuous variables cannot be enumerated
            return None
        return CodeFitResult(featurizer=alignment.featurizer, size=alignment.size, shares=fitted.shares)

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
