"""How searches begin and go on, under a name: what a study compares on the same networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from interlocus.budget import Phase
from interlocus.errors import SpecificationError


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
