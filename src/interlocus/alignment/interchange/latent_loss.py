"""The counterfactual-latent loss, which keeps patched states close to natural states."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.alignment.interchange.cache import Batch, Cache, Problems
from interlocus.alignment.interchange.nonlinear import AnyInterchange
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions
from interlocus.causal.model import Values
from interlocus.core.linalg import BufferPool
from interlocus.networks import AbstractSuffixBody


@dataclass(frozen=True, kw_only=True)
class LatentLoss:
    """Distance of patched states from mean natural states with the same values of the discrete variables.

    The loss of a patched state h′ is ‖h′ − μ‖² / σ². Here μ is the mean of the network's natural states on examples in
    which the discrete variables have the values that they have after the interchange, and σ² is the mean of the same
    squared distance over natural states, so that natural states have a loss of 1 on average. Variables on which the
    exchanged variables depend are ignored, since their values may contradict the exchanged ones. Combinations of values
    that never occur have a loss of 0, since there is no natural state to compare with.

    Args:
        hypotheses: The hypotheses whose variables are exchanged.
        values: Values of all variables on the pool.
        means: Mean states μ; a code is a combination of values.
        spread: σ² of each network and hypothesis.
        known: True for codes that occur in the pool.

    Source: counterfactual latent loss, arXiv 2511.04638, section 5.
    """

    hypotheses: tuple[Hypothesis, ...]
    values: Values
    means: Float[Tensor, "network hypothesis code width"]
    spread: Float[Tensor, "network hypothesis"]
    known: Bool[Tensor, "hypothesis code"]

    @classmethod
    def of(cls, cache: Cache, pool: Examples, hypotheses: Sequence[Hypothesis]) -> LatentLoss:
        """Compute mean states and their spread.

        Args:
            cache: Activations of the networks on the pool.
            pool: The examples that phases train on.
            hypotheses: The hypotheses whose variables are exchanged.
        """
        states = cache.activations
        most = max(_combinations(hypothesis) for hypothesis in hypotheses)
        means = torch.zeros(len(states), len(hypotheses), most, states.shape[2]).to(states)
        spread = torch.zeros(len(states), len(hypotheses)).to(states)
        known = torch.zeros(len(hypotheses), most, dtype=torch.bool, device=states.device)
        for number, hypothesis in enumerate(hypotheses):
            codes = _codes(hypothesis, pool.values).to(states.device)
            counts = codes.bincount(minlength=most)
            sums = means[:, number].index_add(1, codes, states)
            means[:, number] = sums / counts.clamp_min(1).unsqueeze(1)
            spread[:, number] = (states - means[:, number][:, codes]).square().sum(2).mean(1)
            known[number] = counts > 0
        # codes with a single state have no spread to divide by
        spread.clamp_min_(torch.finfo(spread.dtype).tiny ** 0.5)
        return cls(hypotheses=tuple(hypotheses), values=pool.values, means=means, spread=spread, known=known)

    def codes(self, interventions: Sequence[Interventions]) -> Int[Tensor, "hypothesis step batch"]:
        """The combination of values after each intervention, for each hypothesis."""
        return torch.stack([self._codes_after(*pair) for pair in zip(self.hypotheses, interventions, strict=True)])

    def _codes_after(self, hypothesis: Hypothesis, interventions: Interventions) -> Int[Tensor, "step batch"]:
        base = interventions.base.reshape(-1)
        source_values = {
            name: self.values[name][rows.reshape(-1)]
            for name, rows in zip(hypothesis.variables, interventions.sources, strict=True)
        }
        model = hypothesis.model
        base_values = {name: value[base] for name, value in self.values.items() if name in model.variables}
        after = model.interchange(base_values, source_values)
        return _codes(hypothesis, after).view(interventions.base.shape)

    def gradient(
        self,
        interchange: AnyInterchange,
        problems: Problems,
        batch: Batch,
        codes: Int[Tensor, "hypothesis batch"],
        weight: float,
    ) -> Callable[[Any], Any]:
        """A function from maps to the gradient of the weighted mean loss of each search.

        Args:
            interchange: The interchange of the searches. A copy of it returns states of the site instead of logits.
            problems: Network and hypothesis of each problem, as indices.
            batch: One batch of interventions for each problem, with `hidden`.
            codes: The combination of values after each intervention of the batch.
            weight: Weight of the loss, above 0.
        """
        assert batch.hidden is not None
        network, number = problems
        problem_codes = codes.to(number.device)[number]
        target = self.means[network[:, None], number[:, None], problem_codes].transpose(1, 2)
        share = weight * self.known[number[:, None], problem_codes] / self.spread[network, number, None]
        states = replace(interchange, input_projection=None, body=_IdentitySuffix(), buffers=BufferPool(batch.hidden))
        site_batch = replace(batch, base=batch.hidden, inputs=None)

        def gradient(maps: Any) -> Any:
            saved: Any
            patched, saved = states.forward(maps, site_batch)
            off = (patched - target.unsqueeze(1)) * (share * 2 / share.shape[1])[:, None, None]
            return states.backward(maps, site_batch, saved, off)

        return gradient


class _IdentitySuffix(AbstractSuffixBody):
    """Returns its input, so that an interchange with this suffix returns states of the site."""

    def forward(
        self,
        projected: Float[Tensor, "search projected batch"],
        buffers: BufferPool,
        inputs: Float[Tensor, "problem batch ..."] | None = None,
    ) -> tuple[Float[Tensor, "search projected batch"], Any]:
        return projected, None

    def backward(
        self, saved: Any, gradient: Float[Tensor, "search projected batch"], buffers: BufferPool
    ) -> Float[Tensor, "search projected batch"]:
        return gradient


def _comparable(hypothesis: Hypothesis) -> dict[str, tuple[int, ...]]:
    """The discrete variables whose values after an interchange are known, with their possible values.

    These are the exchanged variables, the variables that depend on them, and the variables that have no common cause
    with them. The causes of exchanged variables keep their old values, which contradict the exchanged ones, so they are
    left out, and so is everything else that is computed from them.
    """
    model, descendants = hypothesis.model, hypothesis.model.descendants
    causes = {name for name in descendants if descendants[name] & set(hypothesis.variables)}
    effects = set(hypothesis.variables).union(*(descendants[name] for name in hypothesis.variables))

    def is_comparable(name: str) -> bool:
        has_common_cause = any(name in descendants[cause] for cause in causes)
        return name in effects or (name not in causes and not has_common_cause)

    return {name: model.variables[name].values or () for name in model.discrete if is_comparable(name)}


def _combinations(hypothesis: Hypothesis) -> int:
    """Number of combinations of values of the comparable variables."""
    return math.prod(len(values) for values in _comparable(hypothesis).values())


def _codes(hypothesis: Hypothesis, values: Values) -> Int[Tensor, " row"]:
    """The index of the combination of values on each row."""
    code = torch.zeros(len(values[hypothesis.model.output]), dtype=torch.long)
    for name, possible in _comparable(hypothesis).items():
        code = code * len(possible) + (values[name].unsqueeze(1) == torch.tensor(possible)).int().argmax(1)
    return code
