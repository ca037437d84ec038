"""How searches begin and go on, under a name: what a study compares on the same networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, TypeVar

from pydantic import AfterValidator, Field

from interlocus.alignment.dimensions import Size, size_for
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.errors import SpecificationError
from interlocus.core.plugins import CONTROLS
from interlocus.core.spec import Count, Spec
from interlocus.searches.budget import Phase, VariableSizes


class Schedule(NamedTuple):
    """Starts and phases of some searches of a study.

    Args:
        name: empty for the study's own.
        starts: where they begin, and how many of each; empty for the study's own.
        phases: how they go on; empty for the study's own.
    """

    name: str
    starts: Mapping[str, int]
    phases: tuple[Phase, ...]


def check_schedules(schedules: Sequence[Schedule]) -> None:
    """Whether each name stands for one thing, and everything of its own has a name.

    Raises:
        SpecificationError: starts or phases without a name, or a name with two meanings.
    """
    known: dict[str, Schedule] = {}
    for schedule in schedules:
        if not schedule.name and (schedule.starts or schedule.phases):
            raise SpecificationError(
                "An entry of the searches has starts or phases of its own, and no name for them.",
                "Its scores could not be told from those of the rest of the study.",
                "Add for instance `schedule: longer` to it.",
            )
        if known.setdefault(schedule.name, schedule) != schedule:
            raise SpecificationError(
                f"The schedule {schedule.name!r} stands in the study with two meanings.",
                "Entries of one schedule begin and go on alike.",
                "Write the same starts and phases into both, or give one another name.",
            )


def shortened(phases: Sequence[Phase], steps: int) -> tuple[Phase, ...]:
    """The same phases, none with more steps than that."""
    return tuple(phase.model_copy(update={"steps": min(phase.steps, steps)}) for phase in phases)


SpecName = TypeVar("SpecName")

NonEmpty = Annotated[tuple[SpecName, ...], Field(min_length=1)]


def _known_control(name: str) -> str:
    if name not in CONTROLS:
        raise ValueError(f"no control is called {name!r}; there are {', '.join(CONTROLS)}")
    return name


class SearchSpec(Spec):
    """Searches that every network is put to.

    Args:
        hypotheses: what for.
        sizes: features a variable, each of which is searched: one number for all variables, or one for each,
            `{left: 4, right: 2}`.
        featurizers: with which maps; those whose name ends in `overlapping` let variables share directions.
        sites: where, of the sites of the study; without it, at all of them.
        schedule: a name for how these searches begin and go on, where that is not as in the rest of the study. Entries
            of different schedules are kept apart in every table.
        starts: where they begin; without it, as the study says.
        phases: how they go on; likewise.
    """

    hypotheses: NonEmpty[str]
    sizes: NonEmpty[VariableSizes]
    featurizers: NonEmpty[str] = ("rotation",)
    sites: tuple[str, ...] = ()
    schedule: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]*)?$")
    starts: dict[str, Count] = Field(default_factory=dict)
    phases: tuple[Phase, ...] = ()

    def at(self, site: str) -> bool:
        """Whether it is asked at a site."""
        return not self.sites or site in self.sites

    def sizes_for(self, hypothesis: Hypothesis) -> tuple[Size, ...]:
        """The sizes, for the variables of one hypothesis."""
        return tuple(size_for(size, hypothesis.variables, hypothesis.name) for size in self.sizes)


ControlName = Annotated[str, AfterValidator(_known_control)]
"""The name of a control; `interlocus list controls` explains each."""

CONTROLS_BY_DEFAULT: tuple[ControlName, ...] = (
    "used_subspace",
    "operand_leakage",
    "power",
    "probes",
    "code_fit",
    "distribution_shift",
    "source_variation",
)
"""All but the shuffled labels, which take as long as the searches and set no higher bar than untrained networks, and
the negative controls, which take as long as planting."""
