"""The sealed battery: a study of networks with known ground truth, which measures how often verdicts are wrong.

Its seed is used nowhere else. A change of its networks or searches makes another version.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Literal, NamedTuple

from interlocus.searches.budget import Phase
from interlocus.studies.spec.networks import GroundTruthSpec, NetworkGroup
from interlocus.studies.spec.searches import SearchSpec
from interlocus.studies.spec.study import Study

BATTERY_VERSION = 7
SEALED_SEED = 20_261_133
"""Seed of the sealed battery; no verdict on it was looked at while the rules were developed."""

Scale = Literal["whole", "small"]


class PerceptronShape(NamedTuple):
    """Activation function, width and number of hidden layers of a perceptron."""

    activation: str
    width: int
    depth: int

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return (self.width,) * self.depth

    @property
    def name(self) -> str:
        """A short name, for instance `relu16x3`."""
        return f"{self.activation}{self.width}x{self.depth}"


class PlannedGroup(NamedTuple):
    """A group of networks with known ground truth.

    Args:
        construction: How the networks are made; see `GroundTruthNetworks`.
        site: Name of the site with the known ground truth.
        size: Features per variable; 0 where the construction has no size.
        networks: Number of networks in the whole battery.
    """

    construction: str
    site: str
    size: int
    networks: int


ARCHITECTURES = (
    PerceptronShape("tanh", 16, 1),
    PerceptronShape("relu", 64, 1),
    PerceptronShape("relu", 64, 2),
    PerceptronShape("gelu", 32, 2),
    PerceptronShape("relu", 16, 3),
    PerceptronShape("gelu", 16, 3),
    PerceptronShape("sigmoid", 32, 3),
    PerceptronShape("tanh", 32, 3),
    PerceptronShape("relu", 32, 4),
    PerceptronShape("tanh", 16, 4),
)
"""Four activations, three widths, and one to four hidden layers. What follows the last hidden layer is linear, so
variables that are combined non-linearly can only be at the sites before it."""
SMALL_SHAPES = (PerceptronShape("relu", 16, 3),)
BATTERY_SIZES = (1, 2, 4, 8)
WEAKENED_STEPS = 50
"""Steps of the search that is meant to fail."""
NOT_LEARNED_STEPS = 60
"""Steps of training after which no network solves the task."""
UNTRAINED_COUNT = 3


def battery(*, scale: Scale = "whole", weakened: bool = False, seed: int = SEALED_SEED) -> Study:
    """The study of the battery.

    Args:
        scale: `whole`, or `small` for a first look and for tests: one architecture, two networks a group.
        weakened: Whether searches have one random restart of 50 steps, which finds next to nothing. Verdicts on what
            such a search misses must be `undecided`.
        seed: Seed of everything that is drawn.
    """
    shapes = ARCHITECTURES if scale == "whole" else SMALL_SHAPES
    groups = tuple(group for shape in shapes for group in _groups(shape, scale))
    deepest = max(shape.depth for shape in shapes)
    return Study(
        name=f"calibration-{BATTERY_VERSION}{'-small' if scale == 'small' else ''}{'-weakened' if weakened else ''}",
        title="How often is a verdict wrong? Networks of known truth.",
        networks=groups,
        sites=tuple(f"layer{i}" for i in range(1, deepest + 1)),
        searches=(SearchSpec(hypotheses=("both",), sizes=BATTERY_SIZES, featurizers=("rotation", "linear")),),
        starts={"random": 1} if weakened else {"random": 1, "covariance": 1},
        phases=(Phase(steps=WEAKENED_STEPS),) if weakened else (Phase(),),
        controls=("used_subspace", "operand_leakage", "power"),  # the others change no verdict
        seed=seed,
    )


def _groups(shape: PerceptronShape, scale: Scale) -> Iterator[NetworkGroup]:
    """All networks of one architecture; each group is searched at the site with the known ground truth."""
    small = scale == "small"
    for planned in _planned_groups(shape):
        yield NetworkGroup(
            name=f"{shape.name}-{planned.construction.replace('_', '-')}{planned.size or ''}-{planned.site}",
            activation=shape.activation,
            hidden=shape.hidden,
            ground_truth=GroundTruthSpec(construction=planned.construction, site=planned.site, size=planned.size or 1),
            count=2 if small else planned.networks,
            at=(planned.site,),
        )
    few = 2 if small else 4
    plain = NetworkGroup(name=shape.name, activation=shape.activation, hidden=shape.hidden, count=few)
    last = (f"layer{shape.depth}",)
    yield plain.model_copy(update={"name": f"{shape.name}-not-learned", "steps": NOT_LEARNED_STEPS, "at": last})
    yield plain.model_copy(update={"name": f"{shape.name}-untrained", "count": UNTRAINED_COUNT, "trained": False})
    if shape.depth == 1:
        yield plain.model_copy(update={"name": f"{shape.name}-trained", "at": last})


def _planned_groups(shape: PerceptronShape) -> Iterator[PlannedGroup]:
    """The groups of one architecture with a planted or wired ground truth."""
    if shape.depth == 1:
        yield PlannedGroup("output_only", "layer1", 0, 10)
        return
    sites = cycle(f"layer{i}" for i in range(shape.depth - 1, 0, -1))  # the sites that can hold the variables
    for size in BATTERY_SIZES:
        yield PlannedGroup("random_subspace", next(sites), size, 6)
    yield PlannedGroup("neuron_blocks", next(sites), 0, 8)
    yield PlannedGroup("fine_tuned", next(sites), 2, 6)
    # at one site where possible: an absence needs the power of the searches there, which takes long to measure
    yield PlannedGroup("output_only", "layer1" if shape.depth == 2 else "layer2", 0, 8)
    yield PlannedGroup("count_only", "layer2", 0, 8)
    if shape.depth > 2:
        yield PlannedGroup("unused_copies", "layer2", 0, 7)
        yield PlannedGroup("pair_only", "layer2", 0, 6)
