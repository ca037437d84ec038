"""Keep patched states natural: the counterfactual-latent loss."""

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
class Natural:
    """Mean natural states for each combination of the discrete variables' values.

    The loss of a patched state h′ is ‖h′ − μ‖² / σ², with μ the mean of the network's own states on examples in which
    discrete variables have the values that they have after the interchange, and σ² the mean of the same on natural
    states: so natural states cost one on average. Variables on which swapped ones depend are left out, for they may
    contradict them. Combinations that never occur cost nothing, since there is no natural state to be near to.

    Args:
        hypotheses: what is asked.
        values: of the pool.
        means: `[network, hypothesis, code, width]`; a code is a combination of values.
        spread: σ² of each network and hypothesis.
        known: which codes occur.

    Source: counterfactual latent loss, arXiv 2511.04638, section 5.
    """

    hypotheses: tuple[Hypothesis, ...]
    values: Values
    means: Float[Tensor, "network hypothesis code width"]
    spread: Float[Tensor, "network hypothesis"]
    known: Bool[Tensor, "hypothesis code"]

    @classmethod
    def of(cls, cache: Cache, pool: Examples, hypotheses: Sequence[Hypothesis]) -> Natural:
        """Look at what the networks do on a pool."""
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
        # a code that stands for one state only leaves nothing to measure distances by
        spread.clamp_min_(torch.finfo(spread.dtype).tiny ** 0.5)
        return cls(hypotheses=tuple(hypotheses), values=pool.values, means=means, spread=spread, known=known)

    def codes(self, asked: Sequence[Interventions]) -> Int[Tensor, "hypothesis step batch"]:
        """The combination of values after each intervention, for each hypothesis."""
        return torch.stack([self._after(*pair) for pair in zip(self.hypotheses, asked, strict=True)])

    def _after(self, hypothesis: Hypothesis, asked: Interventions) -> Int[Tensor, "step batch"]:
        base = asked.base.reshape(-1)
        swapped = {
            name: self.values[name][rows.reshape(-1)]
            for name, rows in zip(hypothesis.variables, asked.sources, strict=True)
        }
        model = hypothesis.model
        kept = {name: value[base] for name, value in self.values.items() if name in model.variables}
        after = model.interchange(kept, swapped)
        return _codes(hypothesis, after).view(asked.base.shape)

    def pull(
        self,
        interchange: AnyInterchange,
        problems: Problems,
        batch: Batch,
        codes: Int[Tensor, "hypothesis batch"],
        weight: float,
    ) -> Callable[[Any], Any]:
        """From maps to the gradient of the weighted mean loss of each search with respect to them.

        Args:
            interchange: of the stack; the same kind of exchange is asked for states at the site instead of logits.
            problems: of the stack.
            batch: of the step.
            codes: the combination of values after each intervention of the batch.
            weight: of the loss.
        """
        assert batch.hidden is not None
        network, number = problems
        mine = codes.to(number.device)[number]
        target = self.means[network[:, None], number[:, None], mine].transpose(1, 2)
        share = weight * self.known[number[:, None], mine] / self.spread[network, number, None]
        states = replace(interchange, input_projection=None, body=_AsItIs(), buffers=BufferPool(batch.hidden))
        there = replace(batch, base=batch.hidden, inputs=None)

        def gradient(maps: Any) -> Any:
            saved: Any
            patched, saved = states.forward(maps, there)
            off = (patched - target.unsqueeze(1)) * (share * 2 / share.shape[1])[:, None, None]
            return states.backward(maps, there, saved, off)

        return gradient


class _AsItIs(AbstractSuffixBody):
    """Nothing comes behind: what enters is what is looked at."""

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


def _settled(hypothesis: Hypothesis) -> dict[str, tuple[int, ...]]:
    """The discrete variables that an interchange settles, with their values.

    These are the swapped ones, what depends on them, and what has nothing in common with them. What they depend on is
    not put back by a swap, nor is anything else that is computed from that.
    """
    model, below = hypothesis.model, hypothesis.model.descendants
    above = {name for name in below if below[name] & set(hypothesis.variables)}
    follows = set(hypothesis.variables).union(*(below[name] for name in hypothesis.variables))

    def is_settled(name: str) -> bool:
        shares = any(name in below[other] for other in above)
        return name in follows or (name not in above and not shares)

    return {name: model.variables[name].values or () for name in model.discrete if is_settled(name)}


def _combinations(hypothesis: Hypothesis) -> int:
    """How many combinations of values there can be."""
    return math.prod(len(values) for values in _settled(hypothesis).values())


def _codes(hypothesis: Hypothesis, values: Values) -> Int[Tensor, " row"]:
    """A number for the combination of values on each row."""
    code = torch.zeros(len(values[hypothesis.model.output]), dtype=torch.long)
    for name, possible in _settled(hypothesis).items():
        code = code * len(possible) + (values[name].unsqueeze(1) == torch.tensor(possible)).int().argmax(1)
    return code
