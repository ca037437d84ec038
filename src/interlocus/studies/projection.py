"""States of a layer, seen in a found subspace: what a picture of it needs, kept in the run folder as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import counterfactual_labels
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.studies.plan import Trial
from interlocus.studies.records import Record
from interlocus.tasks import AbstractTask

DOTS = 160
"""States of each sort."""
FITTED = 2048
"""Examples that decide on the plane."""
COORDINATE_DIGITS = 3
NEAR_BEST = 0.01
"""The smallest size whose validation IIA is at most this much below the best is drawn."""


@dataclass(frozen=True, kw_only=True)
class States:
    """States as points in a plane.

    Args:
        x, y: where.
        value: of the variable: the one they have, or were given.
        follows: whether the network answers as the causal model says.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    value: tuple[int, ...]
    follows: tuple[bool, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> States:
        """What `asdict` gave."""
        return cls(**{name: tuple(values) for name, values in data.items()})


@dataclass(frozen=True, kw_only=True)
class Projection:
    """One variable in the subspace that was found for it, in one network at one site.

    Args:
        share: of the variance of the found features, how much the plane shows.
        values: that the variable can take.
        base, source: states as they are.
        patched: those of the bases, after the exchange of this variable.
    """

    network: str
    group: str
    site: str
    variable: str
    map: str
    size: int
    share: float
    values: tuple[int, ...]
    base: States
    source: States
    patched: States

    @property
    def states(self) -> dict[str, States]:
        """By what they are called."""
        return {"base": self.base, "source": self.source, "patched": self.patched}

    @property
    def labels(self) -> tuple[str, str]:
        """Of the axes."""
        if self.size == 1:
            return "the found feature", "rest of the layer"
        return "found features, 1st component", "2nd"

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Projection:
        """What `asdict` gave."""
        sorts = {name: States.from_json(data[name]) for name in ("base", "source", "patched")}
        plain: dict[str, Any] = data | {"values": tuple(data["values"])} | sorts
        return cls(**plain)


@dataclass(frozen=True, kw_only=True)
class Projections:
    """The discrete variables of one network at one site, each in the subspace that was found for it.

    Args:
        variables: One projection for each variable with declared values.
    """

    variables: tuple[Projection, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"projections": [asdict(projection) for projection in self.variables]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Projections:
        """The projections that `to_json` wrote."""
        return cls(variables=tuple(Projection.from_json(projection) for projection in data["projections"]))


def projected_size(record: Record) -> Size:
    """The smallest size of a trial that scores about as well as its best, by validation."""
    bar = max(entry.best.validation for entry in record.sizes) - NEAR_BEST
    return min(entry.size for entry in record.sizes if entry.best.validation >= bar)


def project(
    network: AbstractNetworks, task: AbstractTask, alignment: Alignment, trial: Trial, *, seed: int
) -> Projections:
    """Project the states of a network into the subspace of each discrete variable of an alignment.

    Args:
        network: One network.
        task: The task that it solves.
        alignment: The alignment that was found in it.
        trial: The trial in which it was found.
        seed: Decides the examples.

    Raises:
        AlignmentError: The alignment belongs to another network.
    """
    hypothesis = task.hypothesis(trial.hypothesis)
    generator = derived_generator(seed, "projection")
    pool = task.draw_examples(FITTED, split="test", generator=generator, for_hypotheses=(hypothesis.name,))
    discrete = [name for name in alignment.variables if hypothesis.model.variables[name].values]
    return Projections(
        variables=tuple(_of_variable(network, alignment, hypothesis, pool, trial, name) for name in discrete)
    )


def _of_variable(
    network: AbstractNetworks, alignment: Alignment, hypothesis: Hypothesis, pool: Examples, trial: Trial, variable: str
) -> Projection:
    place, rows = alignment.variables.index(variable), torch.arange(len(pool.inputs))[pool.rows(hypothesis)]
    base, source = rows[:DOTS], rows[DOTS : 2 * DOTS]
    if hypothesis.sampled == "matched":
        source = base + pool.matched[variable]
    with torch.no_grad():
        states = network.activations(alignment.site, pool.inputs)[0]
        patched = alignment.frames.swap(states[base], {place: states[source]})
        answers = network.run_from(alignment.site, patched.unsqueeze(0), pool.inputs[base])[0]
        plain = network(pool.inputs)[0]
    sources = torch.stack([source if other == variable else base for other in alignment.variables])
    wanted = counterfactual_labels(pool, hypothesis, base, sources)
    own, values = pool.values[hypothesis.model.output], pool.values[variable]
    plane, share = _plane(alignment.frames.features(states[rows])[place], states[rows])

    def points(here: Tensor, value: Tensor, logits: Tensor, right: Tensor) -> States:
        x, y = plane(alignment.frames.features(here)[place], here).T.tolist()
        follows = (logits.argmax(1) == right).tolist()
        rounded = [tuple(round(number, COORDINATE_DIGITS) for number in axis) for axis in (x, y)]
        return States(x=rounded[0], y=rounded[1], value=tuple(value.tolist()), follows=tuple(follows))

    return Projection(
        network=trial.network,
        group=trial.group,
        site=alignment.site,
        variable=variable,
        map=alignment.featurizer,
        size=alignment.sizes[variable],
        share=round(share, COORDINATE_DIGITS),
        values=tuple(hypothesis.model.variables[variable].values or ()),
        base=points(states[base], values[base], plain[base], own[base]),
        source=points(states[source], values[source], plain[source], own[source]),
        patched=points(patched, values[source], answers, wanted),
    )


Plane = Callable[[Tensor, Tensor], Tensor]


def _plane(features: Float[Tensor, "batch feature"], states: Float[Tensor, "batch width"]) -> tuple[Plane, float]:
    """The first two principal components of features; of one feature, itself and the first component of the rest."""
    middle, centre = features.mean(0), states.mean(0)
    centred, around = features - middle, states - centre
    if features.shape[1] > 1:
        _, spread, axes = torch.linalg.svd(centred, full_matrices=False)
        axes = _signed(axes[:2])
        share = float(spread[:2].square().sum() / spread.square().sum().clamp_min(1e-12))
        return lambda own, _: (own - middle) @ axes.T, share
    slope = (centred.T @ around) / centred.square().sum().clamp_min(1e-12)
    rest = _signed(torch.linalg.svd(around - centred @ slope, full_matrices=False)[2][:1])

    def both(own: Tensor, here: Tensor) -> Tensor:
        left = own - middle
        return torch.cat([left, (here - centre - left @ slope) @ rest.T], 1)

    return both, 1.0


def _signed(axes: Float[Tensor, "axis feature"]) -> Float[Tensor, "axis feature"]:
    """Each axis with its largest part positive, so that pictures do not depend on how it was computed."""
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return axes * torch.where(largest < 0, -1.0, 1.0)
