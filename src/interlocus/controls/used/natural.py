"""Whether an exchange works with states like those that occur.

A linear map can push a state to where no input leads, and there the rest of a network may do anything, such as
multiply two numbers that it never multiplies otherwise. An alignment that scores only there says nothing of what the
network does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.causal.examples import Examples
from interlocus.causal.interventions import draw
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

NATURAL_EXAMPLES, NATURAL_INTERVENTIONS = 16_384, 4_096
"""Examples from which the range of states is taken, and interventions that are scored."""

RANGE_MARGIN = 0.1
"""Share of the range that is added at both ends, since an exchange combines parts of two states."""


@dataclass(frozen=True, kw_only=True)
class NaturalRange:
    """The range of the states of one network at a site, along each principal component.

    Args:
        mean: Mean state.
        components: Principal components as rows.
        low: Lowest coordinate of a state along each component, less a margin.
        high: Highest coordinate, plus a margin.
    """

    mean: Float[Tensor, " width"]
    components: Float[Tensor, "component width"]
    low: Float[Tensor, " component"]
    high: Float[Tensor, " component"]

    @classmethod
    def of(cls, states: Float[Tensor, "row width"]) -> NaturalRange:
        """The range of some states.

        Args:
            states: States of examples, at least two.
        """
        mean = states.mean(0)
        centred = states - mean
        components = torch.linalg.eigh((centred.T @ centred).double()).eigenvectors.T.to(states)
        coordinates = centred @ components.T
        low, high = coordinates.amin(0), coordinates.amax(0)
        margin = RANGE_MARGIN * (high - low)
        return cls(mean=mean, components=components, low=low - margin, high=high + margin)

    def nearest(self, states: Float[Tensor, "row width"]) -> Float[Tensor, "row width"]:
        """The nearest states within the range; states of examples stay as they are, up to rounding.

        Args:
            states: Any states of the site.
        """
        coordinates = (states - self.mean) @ self.components.T
        return self.mean + coordinates.clamp(self.low, self.high) @ self.components


def natural_iia(alignment: Alignment, network: AbstractNetworks, task: AbstractTask, *, seed: int = 0) -> float:
    """IIA of an alignment with every exchanged state replaced by the nearest one within the range of natural states.

    Args:
        alignment: The alignment whose variables are exchanged.
        network: The single network to which it belongs.
        task: The task that the network solves.
        seed: Seed of the examples and interventions.

    Source: what it guards against are the illusions of subspace patching, arXiv 2311.17030.
    """
    hypothesis, site = task.hypothesis(alignment.hypothesis), alignment.site

    def drawn_examples(name: str) -> Examples:
        return task.draw_examples(
            NATURAL_EXAMPLES,
            split="test",
            generator=derived_generator(seed, "natural", name),
            for_hypotheses=(hypothesis.name,),
        )

    with torch.no_grad():
        for_range = drawn_examples("range").inputs.to(network.device)
        natural = NaturalRange.of(network.activations(site, for_range)[0])
        pool = drawn_examples("interventions")
        inputs = pool.inputs.to(network.device)
        activations = network.activations(site, inputs)[0]
        drawn = draw(
            pool,
            hypothesis,
            shape=(1, NATURAL_INTERVENTIONS),
            generator=derived_generator(seed, "natural", "pairs"),
        )[0]
        base = activations[drawn.base.to(activations.device)]
        sources = {v: activations[rows.to(activations.device)] for v, rows in enumerate(drawn.sources)}
        exchanged = natural.nearest(alignment.frames.swap(base, sources))
        logits = network.run_from(site, exchanged.unsqueeze(0), inputs[drawn.base.to(inputs.device)])[0]
        return float((logits.argmax(1).cpu() == drawn.labels).double().mean())
