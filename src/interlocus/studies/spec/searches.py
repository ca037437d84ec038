"""The keys of a specification that describe searches, and the schedules by which they start and continue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, TypeVar

from pydantic import AfterValidator, Field

from interlocus.alignment.dimensions import Size, size_for
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.plugins import CONTROLS
from interlocus.core.spec import Count, Spec
from interlocus.searches.budget import Phase, VariableSizes


class Schedule(NamedTuple):
    """Starts and phases of some searches of a study.

    Args:
        name: Name of the schedule; empty for the schedule of the study.
        starts: Number of restarts for each start; empty for those of the study.
        phases: The phases of the searches; empty for those of the study.
    """

    name: str
    starts: Mapping[str, int]
    phases: tuple[Phase, ...]


def check_schedules(schedules: Sequence[Schedule]) -> None:
    """Check that a name always stands for the same schedule, and that schedules other than the study's have a name.

    Args:
        schedules: The schedule of each entry of `searches`.

    Raises:
        SpecificationError: An entry has starts or phases and no name, or a name stands for two schedules.
    """
    known: dict[str, Schedule] = {}
    for schedule in schedules:
        if not schedule.name and (schedule.starts or schedule.phases):
            raise SpecificationError(
                "An entry of searches sets starts or phases, and has no name for its schedule.",
                "Its scores could not be told apart from those with the starts and phases of the study.",
                "Add a name to it, for instance `schedule: longer`.",
            )
        if known.setdefault(schedule.name, schedule) != schedule:
            raise SpecificationError(
                f"Two entries of searches have the schedule {schedule.name!r}, with two different meanings.",
                "All entries of one schedule have the same starts and phases.",
                "Write the same starts and phases into both, or give one of them another name.",
            )


def limit_steps(phases: Sequence[Phase], steps: int) -> tuple[Phase, ...]:
    """The same phases with fewer steps.

    Args:
        phases: The phases to shorten, in order.
        steps: Largest number of steps of each phase.
    """
    return tuple(phase.model_copy(update={"steps": min(phase.steps, steps)}) for phase in phases)


Entry = TypeVar("Entry")

NonEmpty = Annotated[tuple[Entry, ...], Field(min_length=1)]


def _known_control(name: str) -> str:
    if name not in CONTROLS:
        raise UnknownNameError("control", name, CONTROLS)
    return name


class SearchSpec(Spec):
    """Searches that are run in every network.

    Args:
        hypotheses: Names of the hypotheses of the task that are searched.
        sizes: Features per variable; each size is searched. A size is one number for all variables, or one number for
            each, `{left: 4, right: 2}`.
        featurizers: Names of the featurizers that are searched. With those whose name ends in `overlapping` variables
            may share directions.
        sites: Names of the sites that are searched; by default all sites of the study.
        schedule: Name of a schedule other than the study's, of letters, digits, `-` and `_`. Scores of different
            schedules are kept apart in every table.
        starts: Number of restarts for each start; by default as in the study.
        phases: The phases of the searches; by default as in the study.
    """

    hypotheses: NonEmpty[str]
    sizes: NonEmpty[VariableSizes]
    featurizers: NonEmpty[str] = ("rotation",)
    sites: tuple[str, ...] = ()
    schedule: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]*)?$")
    starts: dict[str, Count] = Field(default_factory=dict)
    phases: tuple[Phase, ...] = ()

    def at(self, site: str) -> bool:
        """Whether a site is searched.

        Args:
            site: Name of a site of the study.
        """
        return not self.sites or site in self.sites

    def sizes_for(self, hypothesis: Hypothesis) -> tuple[Size, ...]:
        """The sizes for the variables of a hypothesis.

        Args:
            hypothesis: The hypothesis, which gives the order of the variables.
        """
        return tuple(size_for(size, hypothesis.variables, hypothesis.name) for size in self.sizes)


ControlName = Annotated[str, AfterValidator(_known_control)]
"""The name of a control; `interlocus list controls` explains each."""

CONTROLS_BY_DEFAULT: tuple[ControlName, ...] = (
    "cell_means",
    "used_subspace",
    "operand_leakage",
    "power",
    "near_misses",
    "partial_cases",
    "probes",
    "code_fit",
    "distribution_shift",
    "source_variation",
)
"""Controls of a study that names none, besides those that are always measured (`controls.record.ALWAYS_MEASURED`).

Two are left out: shuffled labels take as long as the searches and score no higher than untrained networks, and negative
controls take as long as planting."""
