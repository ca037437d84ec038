"""Projections: states of a site in the subspace of a variable, as points in a plane, stored in the run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import counterfactual_labels
from interlocus.core.json_record import JsonRecord
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.studies.plan import Trial
from interlocus.studies.records import Record
from interlocus.tasks import AbstractTask

POINTS = 160
"""Points of each kind: bases, sources and patched states."""
PLANE_EXAMPLES = 2048
"""Examples from which the plane is computed."""
COORDINATE_DIGITS = 3
"""Digits after the point of stored coordinates."""
NEAR_BEST = 0.01
"""The smallest size is projected whose validation IIA is at most this much below the best."""


@dataclass(frozen=True, kw_only=True)
class States(JsonRecord):
    """States as points in a plane.

    Args:
        x: First coordinate of each point.
        y: Second coordinate of each point.
        value: Value of the variable in each state: that of the example, or after an exchange that of the source.
        follows: Whether the network answers as the causal model says.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    value: tuple[int, ...]
    follows: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True)
class Projection(JsonRecord):
    """One variable in its subspace, in one network at one site.

    Args:
        network: Name of the network.
        group: Name of its network group.
        site: Name of the site.
        variable: Name of the variable.
        map: Name of the featurizer.
        size: Number of features of the variable.
        share: Share of the variance of the features that the plane shows.
        values: The values that the variable can take.
        base: States of the bases.
        source: States of the sources.
        patched: States of the bases after the variable was exchanged.
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
        """The three kinds of states by their names."""
        return {"base": self.base, "source": self.source, "patched": self.patched}

    @property
    def labels(self) -> tuple[str, str]:
        """Labels of the axes."""
        if self.size == 1:
            return "the feature", "rest of the layer"
        return "features, 1st component", "2nd"


@dataclass(frozen=True, kw_only=True)
class Projections(JsonRecord):
    """The discrete variables of one network at one site, each in its subspace.

    Args:
        variables: One projection for each variable with declared values.
    """

    variables: tuple[Projection, ...]


def projected_size(record: Record) -> Size:
    """The smallest size of a trial whose validation IIA is near that of its best size.

    Args:
        record: The record of the trial.
    """
    threshold = max(entry.best.validation for entry in record.sizes) - NEAR_BEST
    return min(entry.size for entry in record.sizes if entry.best.validation >= threshold)


def project(
    network: AbstractNetworks, task: AbstractTask, alignment: Alignment, trial: Trial, *, seed: int
) -> Projections:
    """Project the states of a network into the subspace of each discrete variable of an alignment.

    Args:
        network: The network of the trial, a stack of one network.
        task: The task that it solves.
        alignment: The alignment of the trial.
        trial: The trial, which names network, group and hypothesis.
        seed: Seed of the projected examples.

    Raises:
        AlignmentError: The alignment belongs to another network.
    """
    hypothesis = task.hypothesis(trial.hypothesis)
    generator = derived_generator(seed, "projection")
    examples = task.draw_examples(PLANE_EXAMPLES, split="test", generator=generator, for_hypotheses=(hypothesis.name,))
    discrete = [name for name in alignment.variables if hypothesis.model.variables[name].values]
    projector = _Projector(network, alignment, hypothesis, examples)
    return Projections(variables=tuple(projector.project(trial, name) for name in discrete))


class _Plane(NamedTuple):
    """A plane through the states of a site.

    Args:
        project: Maps features of a variable and whole states, `[batch, …]`, to coordinates `[batch, 2]`.
        share: Share of the variance of the features that the plane shows.
    """

    project: Callable[[Tensor, Tensor], Float[Tensor, "batch 2"]]
    share: float


@dataclass(frozen=True)
class _Projector:
    """Projects the variables of an alignment."""

    network: AbstractNetworks
    alignment: Alignment
    hypothesis: Hypothesis
    examples: Examples

    def project(self, trial: Trial, variable: str) -> Projection:
        """The projection of one variable of a trial."""
        alignment, hypothesis, examples = self.alignment, self.hypothesis, self.examples
        place = alignment.variables.index(variable)
        rows = torch.arange(len(examples.inputs))[examples.rows(hypothesis)]
        base, source = rows[:POINTS], rows[POINTS : 2 * POINTS]
        if hypothesis.sampled == "matched":
            source = base + examples.matched[variable]
        with torch.no_grad():
            states = self.network.activations(alignment.site, examples.inputs)[0]
            patched = alignment.frames.swap(states[base], {place: states[source]})
            answers = self.network.run_from(alignment.site, patched.unsqueeze(0), examples.inputs[base])[0]
            unpatched = self.network(examples.inputs)[0]
        sources = torch.stack([source if other == variable else base for other in alignment.variables])
        labels = counterfactual_labels(examples, hypothesis, base, sources)
        classes, values = examples.values[hypothesis.model.output], examples.values[variable]
        plane = _plane(alignment.frames.features(states[rows])[place], states[rows])

        def points(some: Tensor, value: Tensor, logits: Tensor, expected: Tensor) -> States:
            x, y = plane.project(alignment.frames.features(some)[place], some).T.tolist()
            rounded = [tuple(round(number, COORDINATE_DIGITS) for number in axis) for axis in (x, y)]
            follows = (logits.argmax(1) == expected).tolist()
            return States(x=rounded[0], y=rounded[1], value=tuple(value.tolist()), follows=tuple(follows))

        return Projection(
            network=trial.network,
            group=trial.group,
            site=alignment.site,
            variable=variable,
            map=alignment.featurizer,
            size=alignment.sizes[variable],
            share=round(plane.share, COORDINATE_DIGITS),
            values=tuple(hypothesis.model.variables[variable].values or ()),
            base=points(states[base], values[base], unpatched[base], classes[base]),
            source=points(states[source], values[source], unpatched[source], classes[source]),
            patched=points(patched, values[source], answers, labels),
        )


def _plane(features: Float[Tensor, "batch feature"], states: Float[Tensor, "batch width"]) -> _Plane:
    """The plane of the first two principal components of the features.

    Of a single feature the axes are the feature itself, and the first principal component of the rest of the layer.
    """
    feature_mean, state_mean = features.mean(0), states.mean(0)
    centred, centred_states = features - feature_mean, states - state_mean
    if features.shape[1] > 1:
        _, spread, axes = torch.linalg.svd(centred, full_matrices=False)
        axes = _with_fixed_sign(axes[:2])
        share = float(spread[:2].square().sum() / spread.square().sum().clamp_min(1e-12))
        return _Plane(lambda some, _: (some - feature_mean) @ axes.T, share)
    slope = (centred.T @ centred_states) / centred.square().sum().clamp_min(1e-12)
    rest = _with_fixed_sign(torch.linalg.svd(centred_states - centred @ slope, full_matrices=False)[2][:1])

    def project(some: Tensor, whole: Tensor) -> Tensor:
        feature = some - feature_mean
        return torch.cat([feature, (whole - state_mean - feature @ slope) @ rest.T], 1)

    return _Plane(project, 1.0)


def _with_fixed_sign(axes: Float[Tensor, "axis feature"]) -> Float[Tensor, "axis feature"]:
    """Each axis with its largest component positive, so that the picture does not depend on the sign of the SVD."""
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return axes * torch.where(largest < 0, -1.0, 1.0)
