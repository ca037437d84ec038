"""The sealed battery: studies of networks with known ground truth, which measure how often verdicts are wrong.

The unit is the construction, crossed with architectures. Its seed is used nowhere else. A change of its networks or
searches makes another version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Literal, NamedTuple

from interlocus.controls.ground_truth.constructions import CODED, Construction
from interlocus.controls.ground_truth.constructions.modules import MODULE_SITE
from interlocus.controls.ground_truth.constructions.perceptrons import CODED_SITE
from interlocus.controls.ground_truth.source import JOINED
from interlocus.searches.budget import Phase
from interlocus.studies.calibration.truth import NetworkTruth, truths_of
from interlocus.studies.spec.networks import GroundTruthSpec, NetworkGroup, TaskSpec
from interlocus.studies.spec.searches import SearchSpec
from interlocus.studies.spec.study import Study

BATTERY_VERSION = 8
SEALED_SEED = 20_261_134
"""Seed of the sealed battery; no verdict on it was looked at while the rules were developed."""

Scale = Literal["whole", "small"]


class PerceptronShape(NamedTuple):
    """Activation function and widths of the hidden layers of a perceptron."""

    activation: str
    hidden: tuple[int, ...]

    @property
    def name(self) -> str:
        """A short name, for instance `relu-16x16x16`."""
        return f"{self.activation}-{'x'.join(map(str, self.hidden))}"


CODED_SHAPES = (
    PerceptronShape("relu", (32, 32, 16, 24, 32)),
    PerceptronShape("gelu", (32, 32, 24, 24, 32)),
    PerceptronShape("tanh", (24, 32, 16, 16, 32)),
    PerceptronShape("sigmoid", (24, 40, 24, 16, 32)),
    PerceptronShape("relu", (48, 32, 40, 24, 24, 24)),
    PerceptronShape("gelu", (32, 40, 16, 32, 24, 24)),
)
"""Perceptrons whose third layer holds a code."""
WIDE_SHAPES = (
    PerceptronShape("relu", (40, 144, 16, 24, 32)),
    PerceptronShape("gelu", (40, 144, 24, 24, 32)),
    PerceptronShape("tanh", (32, 144, 16, 16, 32)),
)
"""The same where the code follows from three numbers of five values, which takes a wide second layer."""
MODULE_CONSTRUCTIONS: dict[str, tuple[str, ...]] = {
    "residual": ("read_apart", "two_routes", "graded", "masked_answer_beside_copies"),
    "convolution": ("read_apart", "exclusive_or", "graded", "symmetric_pair_beside_copies"),
    "gru": ("read_apart", "read_as_sum", "graded", "symmetric_pair_beside_copies"),
}
"""Torch modules, and the constructions that they are taught: a few, since modules are searched one by one."""
TRAINED_SHAPES = (
    PerceptronShape("relu", (16, 16, 16)),
    PerceptronShape("gelu", (32, 32)),
    PerceptronShape("tanh", (32, 32, 32)),
    PerceptronShape("sigmoid", (32, 32, 32)),
)
"""Perceptrons in which variables are planted by training, or whose weights are written by hand."""
ONE_LAYER_SHAPE = PerceptronShape("relu", (64,))
BATTERY_SIZES = (1, 2, 4)
RANDOM_RESTARTS = 3
"""Restarts from random directions: as many seeds as the best of which is often reported."""
WEAKENED_STEPS = 50
"""Steps of the search that is meant to fail."""
NOT_LEARNED_STEPS = 60
"""Steps of training after which no network solves the task."""
UNTRAINED_COUNT = 3
MAIN_STUDY = "hierarchical_equality"
CELL_COUNT, CELL_COUNT_THERE, CELL_COUNT_BODY = 6, 4, 2
"""Networks of a construction and a perceptron shape: where a finding can be false, and elsewhere; and of modules."""
TRAINED_COUNT = 4
CONSTRUCTIONS_OF_GROUP = 8
"""Constructions of one group at most, so that several processes can share the work."""
SMALL_CONSTRUCTIONS = (
    "read_apart",
    "two_routes",
    "graded",
    "masked_answer_beside_copies",
    "symmetric_pair",
    "near_miss",
    "circle",
)
"""Constructions of the small battery; of other recipes it has `random_subspace` and `unused_copies`."""


@dataclass(frozen=True, kw_only=True)
class Battery:
    """The studies of a battery: one for each task.

    Args:
        scale: Whether it is the whole battery or the small one.
        weakened: Whether its searches are weakened.
        studies: The studies, by the name of their folder.
    """

    scale: Scale
    weakened: bool
    studies: dict[str, Study]

    @property
    def truths(self) -> tuple[NetworkTruth, ...]:
        """The truth of every network at every site that is searched."""
        return tuple(
            truth for study in self.studies.values() for group in study.networks for truth in truths_of(study, group)
        )


def battery(*, scale: Scale = "whole", weakened: bool = False, seed: int = SEALED_SEED) -> Battery:
    """The studies of the battery.

    Args:
        scale: `whole`, or `small` for a first look and for tests: one architecture and some constructions, two networks
            of each.
        weakened: Whether searches have one random restart of 50 steps, which finds next to nothing. Verdicts on what
            such a search misses must be `undecided`. The networks are those of the first shapes.
        seed: Seed of everything that is drawn.
    """
    few = scale == "small" or weakened
    chosen = [one for one in CODED.values() if scale == "whole" or one.name in SMALL_CONSTRUCTIONS]
    by_study: dict[tuple[str, str], list[Construction]] = {}
    for construction in chosen:
        by_study.setdefault((_study_name(construction), construction.hypothesis), []).append(construction)
    groups = {
        key: [*_coded_groups(constructions, few=few, small=scale == "small")] for key, constructions in by_study.items()
    }
    if not few:
        groups[MAIN_STUDY, "both"].extend(_modules())
    main = groups[MAIN_STUDY, "both"]
    main.extend(_trained_groups(few=few, small=scale == "small"))
    if not few:
        main.extend(_one_layer_groups())
    ending = f"{'-small' if scale == 'small' else ''}{'-weakened' if weakened else ''}"
    studies = {
        name: Study(
            name=f"battery-{BATTERY_VERSION}-{name}{ending}",
            title="How often is a verdict wrong? Networks of known truth.",
            task=_task(name),
            networks=tuple(_named(group, name) for group in (*members, *_untrained(members))),
            sites=tuple(dict.fromkeys(site for group in members for site in group.at)),
            searches=(SearchSpec(hypotheses=(hypothesis,), sizes=BATTERY_SIZES, featurizers=("rotation", "linear")),),
            starts={"random": 1} if weakened else {"random": RANDOM_RESTARTS, "covariance": 1},
            phases=(Phase(steps=WEAKENED_STEPS),) if weakened else (Phase(),),
            controls=("cell_means", "used_subspace", "operand_leakage", "power", "probes"),
            seed=seed,
        )
        for (name, hypothesis), members in groups.items()
    }
    return Battery(scale=scale, weakened=weakened, studies=studies)


def _study_name(construction: Construction) -> str:
    """One study for each task with its arguments."""
    values = "".join(f"_{value}".replace(".", "") for _, value in construction.task_arguments)
    return f"{construction.task}{values}"


def _named(group: NetworkGroup, study: str) -> NetworkGroup:
    """A group whose name tells networks of different tasks apart."""
    if study == MAIN_STUDY:
        return group
    return group.model_copy(update={"name": f"{_hyphened(study)}-{group.name}"})


def _task(name: str) -> TaskSpec:
    example = next(one for one in CODED.values() if _study_name(one) == name)
    return TaskSpec.model_validate({"name": example.task, **dict(example.task_arguments)})


def _coded_groups(constructions: Sequence[Construction], *, few: bool, small: bool) -> Iterator[NetworkGroup]:
    """Coded perceptrons of one task. A group has several constructions, so that they share a search and its power."""
    shapes = WIDE_SHAPES if constructions[0].task == "modular_sum" else CODED_SHAPES
    for shape in shapes[:1] if few else shapes:
        for can_err in (True, False):
            members = [
                one.name for one in constructions if one.can_err == can_err and shape.activation in one.activations
            ]
            count = 2 if small else CELL_COUNT if can_err else CELL_COUNT_THERE
            for part, names in enumerate(_batched(members, CONSTRUCTIONS_OF_GROUP)):
                yield NetworkGroup(
                    name=f"{shape.name}-coded{'-a' if can_err else '-b'}{part}",
                    activation=shape.activation,
                    hidden=shape.hidden,
                    ground_truth=GroundTruthSpec(construction=JOINED.join(names), site=CODED_SITE),
                    count=count * len(names),
                    at=(CODED_SITE,),
                )


def _batched(names: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """Names in parts of at most this size, as equal as possible."""
    parts = -(-len(names) // size)
    for part in range(parts):
        yield tuple(names[part::parts])


def _modules() -> Iterator[NetworkGroup]:
    for body, names in MODULE_CONSTRUCTIONS.items():
        for name in names:
            yield NetworkGroup(
                name=f"{body}-{_hyphened(name)}",
                ground_truth=GroundTruthSpec(construction=name, site=MODULE_SITE, body=body),
                count=CELL_COUNT_BODY,
                at=(MODULE_SITE,),
            )


def _trained_groups(*, few: bool, small: bool) -> Iterator[NetworkGroup]:
    """Networks in which variables are planted by training, and networks whose weights are written by hand."""
    count = 2 if small else TRAINED_COUNT
    for shape in TRAINED_SHAPES[:1] if few else TRAINED_SHAPES:
        depth = len(shape.hidden)
        sites = cycle(f"layer{i}" for i in range(depth - 1, 0, -1))  # the sites that can hold the variables
        for size in (2,) if small else BATTERY_SIZES:
            yield _group(shape, "random_subspace", next(sites), count=count, size=size)
        if depth > 2:
            yield _group(shape, "unused_copies", "layer2", count=count)
        if small:
            continue
        yield _group(shape, "neuron_blocks", next(sites), count=count)
        yield _group(shape, "fine_tuned", next(sites), count=count, size=2)
        yield _group(shape, "output_only", "layer1" if depth == 2 else "layer2", count=count)
        yield _group(shape, "count_only", "layer2", count=count)
        if depth > 2:
            yield _group(shape, "pair_only", "layer2", count=count)
        last = f"layer{depth}"
        yield NetworkGroup(
            name=f"{shape.name}-not-learned",
            activation=shape.activation,
            hidden=shape.hidden,
            steps=NOT_LEARNED_STEPS,
            count=2,
            at=(last,),
        )


def _one_layer_groups() -> Iterator[NetworkGroup]:
    """Networks with one hidden layer, after which nothing can combine the variables."""
    shape = ONE_LAYER_SHAPE
    yield _group(shape, "output_only", "layer1", count=TRAINED_COUNT)
    yield NetworkGroup(
        name=f"{shape.name}-trained",
        activation=shape.activation,
        hidden=shape.hidden,
        count=TRAINED_COUNT,
        at=("layer1",),
    )


def _untrained(groups: list[NetworkGroup]) -> list[NetworkGroup]:
    """Untrained networks of each architecture, at the sites at which its networks are searched."""
    first: dict[str, NetworkGroup] = {}
    sites: dict[str, dict[str, None]] = {}
    for group in groups:
        name = group.ground_truth.body if group.ground_truth and group.ground_truth.body else ""
        name = name or PerceptronShape(group.activation, group.hidden).name
        first.setdefault(name, group)
        sites.setdefault(name, {}).update(dict.fromkeys(group.at))
    return [
        group.model_copy(
            update={
                "name": f"{name}-untrained",
                "count": UNTRAINED_COUNT,
                "trained": False,
                "steps": None,
                "at": tuple(sites[name]),
                "ground_truth": group.ground_truth if group.ground_truth and group.ground_truth.body else None,
            }
        )
        for name, group in first.items()
    ]


def _group(shape: PerceptronShape, construction: str, site: str, *, count: int, size: int = 0) -> NetworkGroup:
    return NetworkGroup(
        name=f"{shape.name}-{_hyphened(construction)}{size or ''}",
        activation=shape.activation,
        hidden=shape.hidden,
        ground_truth=GroundTruthSpec(construction=construction, site=site, size=size or 1),
        count=count,
        at=(site,),
    )


def _hyphened(name: str) -> str:
    return name.replace("_", "-")
