"""The sealed battery: networks of known truth on which verdicts are tried, so that their error rate is known.

It is an ordinary study. Its seed is used nowhere else, and changes of it make another version.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any, Literal, NamedTuple

from interlocus.searches.budget import Phase
from interlocus.studies.spec.networks import NetworkGroup, Planting
from interlocus.studies.spec.searches import SearchSpec
from interlocus.studies.spec.study import Study

BATTERY_VERSION = 7
SEALED_SEED = 20_261_133
"""Of the sealed battery; no verdict on it was looked at while building."""

Scale = Literal["whole", "small"]


class PerceptronShape(NamedTuple):
    """What networks are built like."""

    activation: str
    width: int
    depth: int

    @property
    def hidden(self) -> tuple[int, ...]:
        return (self.width,) * self.depth

    @property
    def name(self) -> str:
        return f"{self.activation}{self.width}x{self.depth}"


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
"""Four activations, three widths, depths one to four; behind the last layer everything is linear, so a variable that is
combined in another way can be before it only."""
SMALL_SHAPES = (PerceptronShape("relu", 16, 3),)
BATTERY_SIZES = (1, 2, 4, 8)
CRIPPLED_STEPS = 50
"""Steps of the search that is meant to fail."""
NOT_LEARNED_STEPS = 60
"""Steps of training after which no network solves the task."""


def battery(*, scale: Scale = "whole", crippled: bool = False, seed: int = SEALED_SEED) -> Study:
    """The study of the battery.

    Args:
        scale: all of it, or a small part for a first look and for tests.
        crippled: with one random restart of few steps, which finds next to nothing: what is missed must be undecided.
        seed: decides on everything that is drawn.
    """
    chosen = ARCHITECTURES if scale == "whole" else SMALL_SHAPES
    groups = tuple(group for one in chosen for group in _families(one, scale))
    deepest = max(one.depth for one in chosen)
    return Study(
        name=f"calibration-{BATTERY_VERSION}{'-small' if scale == 'small' else ''}{'-crippled' if crippled else ''}",
        title="How often is a verdict wrong? Networks of known truth.",
        networks=groups,
        sites=tuple(f"layer{i}" for i in range(1, deepest + 1)),
        searches=(SearchSpec(hypotheses=("both",), sizes=BATTERY_SIZES, featurizers=("rotation", "linear")),),
        starts={"random": 1} if crippled else {"random": 1, "covariance": 1},
        phases=(Phase(steps=CRIPPLED_STEPS),) if crippled else (Phase(),),
        controls=("used_subspace", "operand_leakage", "power"),  # the others change no verdict
        seed=seed,
    )


def _families(one: PerceptronShape, scale: Scale) -> Iterator[NetworkGroup]:
    """All networks of one architecture, each family at the site at which its truth is known."""
    for what, site, size, count in _plantings(one):
        yield NetworkGroup(
            name=f"{one.name}-{what.replace('_', '-')}{size or ''}-{site}",
            activation=one.activation,
            hidden=one.hidden,
            planted=Planting(what=what, site=site, size=size or 1),
            count=count if scale == "whole" else 2,
            at=(site,),
        )
    few = 4 if scale == "whole" else 2
    last = (f"layer{one.depth}",)
    like: dict[str, Any] = {"activation": one.activation, "hidden": one.hidden}
    yield NetworkGroup(name=f"{one.name}-unlearned", **like, count=few, steps=NOT_LEARNED_STEPS, at=last)
    yield NetworkGroup(name=f"{one.name}-untrained", **like, count=3, trained=False)
    if one.depth == 1:
        yield NetworkGroup(name=f"{one.name}-trained", **like, count=few, at=last)


def _plantings(one: PerceptronShape) -> Iterator[tuple[str, str, int, int]]:
    """What is planted, where, with how many directions, and in how many networks."""
    if one.depth == 1:
        yield "output_only", "layer1", 0, 10
        return
    before = cycle(f"layer{i}" for i in range(one.depth - 1, 0, -1))  # sites that can carry the variables
    for size in BATTERY_SIZES:
        yield "mean_coded", next(before), size, 6
    yield "blocks", next(before), 0, 8
    yield "fine_tuned", next(before), 2, 6
    # all at one site where that can be: there the searches have to show their power, which takes time
    yield "output_only", "layer1" if one.depth == 2 else "layer2", 0, 8
    yield "count_only", "layer2", 0, 8
    if one.depth > 2:
        yield "dormant", "layer2", 0, 7
        yield "pair_only", "layer2", 0, 6
