"""Codes that a site may carry, and their shares in the answers to interventions.

A *code* is a set of variables that a site carries, and nothing else. For each cell of interventions (equal values on
the base and on all sources) a candidate code gives the probability of the counterfactual label. The shares of the
candidates, and of guesses, are fitted to all cells by maximum likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from interlocus.causal.enumeration import WeightedInterventions
from interlocus.causal.hypothesis import Hypothesis

NOTHING, GUESS = "nothing", "guess"
"""Names of the code that carries no variable, and of guesses."""
FIT_ITERATIONS = 500
"""Iterations of expectation and maximisation."""
MASS_TOLERANCE = 1e-12
"""Labels whose probabilities differ by at most this much count as equally likely."""
MIN_PROBABILITY = 1e-300
"""Lower bound of a denominator, so that nothing is divided by zero."""

Counts = Float[np.ndarray, " cell"]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The answers of a site that carries one code.

    A code may leave two labels equally likely in a group of cells. The network may then give either, so the share of
    the first label in such a *tie* is fitted.

    Args:
        name: Name of the code: its variables, separated by `+`, or `nothing`.
        label_probability: Probability of the counterfactual label in each cell, from 0 to 1.
        tie: Index of the tie to which each cell belongs; −1 for a cell whose label the code determines.
        is_first_label: 1 in a cell whose counterfactual label is the first of the two of its tie, otherwise 0.
    """

    name: str
    label_probability: Float[np.ndarray, " cell"]
    tie: Int[np.ndarray, " cell"]
    is_first_label: Float[np.ndarray, " cell"]


def candidates(interventions: WeightedInterventions, rivals: Sequence[Hypothesis]) -> tuple[Candidate, ...]:
    """The candidate codes: the variables of a hypothesis, each rival's, the output of a source, and nothing.

    Args:
        interventions: All interventions of the hypothesis, enumerated; each is a cell.
        rivals: Hypotheses of the same causal model whose variables the site may carry instead.
    """
    output, variables = interventions.hypothesis.model.output, interventions.hypothesis.variables
    by_variables = [_carrying("+".join(variables), interventions, variables)]
    by_variables += [_carrying("+".join(rival.variables), interventions, rival.variables) for rival in rivals]
    swapped = torch.stack([interventions.is_swapped(name) for name in variables])
    source_is_right = (
        torch.stack([interventions.sources[name][output] == interventions.label for name in variables]) & swapped
    )
    copied = (source_is_right.sum(0) / swapped.sum(0)).double().numpy()
    unchanged = (interventions.base[output] == interventions.label).double().numpy()
    no_tie = np.full(len(unchanged), -1)
    return (
        *by_variables,
        Candidate(name=output, label_probability=copied, tie=no_tie, is_first_label=unchanged),
        Candidate(name=NOTHING, label_probability=unchanged, tie=no_tie, is_first_label=unchanged),
    )


def _carrying(name: str, interventions: WeightedInterventions, carried: Sequence[str]) -> Candidate:
    """The code of some variables: the likeliest label given their values on the base and on all sources."""
    columns = [interventions.kind]
    for variable in carried:
        columns.append(interventions.base[variable])
        columns += [
            torch.where(interventions.is_swapped(swapped), values[variable], -1)
            for swapped, values in interventions.sources.items()
        ]
    _, group = torch.unique(torch.stack(columns, 1), dim=0, return_inverse=True)
    labels, label = torch.unique(interventions.label, return_inverse=True)
    mass = torch.zeros(int(group.max()) + 1, len(labels), dtype=torch.float64)
    mass.index_put_((group, label), interventions.probability, accumulate=True)
    likeliest = mass >= mass.amax(1, keepdim=True) - MASS_TOLERANCE
    label_probability = (likeliest / likeliest.sum(1, keepdim=True))[group, label]
    is_tied = likeliest.sum(1) == 2
    tie = torch.where(is_tied[group] & likeliest[group, label], group, -1)
    is_first_label = label == likeliest.int().argmax(1)[group]
    return Candidate(
        name=name,
        label_probability=label_probability.double().numpy(),
        tie=tie.numpy(),
        is_first_label=is_first_label.double().numpy(),
    )


def fit_shares(hits: Counts, counts: Counts, codes: Sequence[Candidate], classes: int) -> dict[str, float]:
    """The maximum-likelihood share of each code, and of guesses, by expectation and maximisation.

    Args:
        hits: Number of interventions in each cell after which the network gave the counterfactual label.
        counts: Number of interventions in each cell, possibly 0.
        codes: The candidates, whose cells are the same.
        classes: Number of classes, among which a guess chooses at random.

    Returns:
        Shares by the name of the code, and by `guess`; they sum to 1.

    Source: Dempster, Laird and Rubin 1977.
    """
    misses = counts - hits
    weights = np.full(len(codes) + 1, 1 / (len(codes) + 1))
    likely = np.stack([*(code.label_probability for code in codes), np.full(len(hits), 1 / classes)])
    ties = [_tied_cells(code) for code in codes]
    for _ in range(FIT_ITERATIONS):
        joint = np.stack([likely, 1 - likely]) * weights[:, None]
        posterior = joint / np.maximum(joint.sum(1, keepdims=True), MIN_PROBABILITY)
        expected = posterior * np.stack([hits, misses])[:, None]
        weights = expected.sum((0, 2)) / counts.sum()
        for row, (code, tied_cells) in enumerate(zip(codes, ties, strict=True)):
            if tied_cells is not None:
                says_first = np.where(code.is_first_label > 0, expected[0, row], expected[1, row])
                answered = tied_cells @ expected[:, row].sum(0)
                first_share = tied_cells.T @ ((tied_cells @ says_first) / np.maximum(answered, MIN_PROBABILITY))
                in_tie = np.where(code.is_first_label > 0, first_share, 1 - first_share)
                likely[row] = np.where(code.tie >= 0, in_tie, likely[row])
    return dict(zip([*(code.name for code in codes), GUESS], weights.tolist(), strict=True))


def _tied_cells(code: Candidate) -> Float[np.ndarray, "tie cell"] | None:
    """One where a cell belongs to a tie; `None` for a code without ties."""
    tied = code.tie[code.tie >= 0]
    return (code.tie == np.unique(tied)[:, None]).astype(float) if len(tied) else None
