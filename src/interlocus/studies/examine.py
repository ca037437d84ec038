"""Everything that can be asked of a network in hand, in one call."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from interlocus.core.user_code import register_object
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit, check_task
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.searches.callbacks import OnValidation
from interlocus.studies.pipeline import OnStageProgress
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.networks import NetworkGroup, TaskSpec
from interlocus.studies.spec.searches import CONTROLS_BY_DEFAULT, ControlName, SearchSpec
from interlocus.studies.spec.study import Study
from interlocus.tasks import AbstractTask

EXAMINE_SIZES = (1, 2, 4, 8, 16)


def examine(
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    out: str | Path | None = None,
    hypotheses: Sequence[str] = (),
    rivals: Sequence[str] = (),
    sizes: Sequence[int] = EXAMINE_SIZES,
    featurizers: Sequence[str] = ("rotation", "linear"),
    starts: Mapping[str, int] = STARTS_BY_DEFAULT,
    phases: Sequence[Phase] = (Phase(),),
    budget: Budget | None = None,
    competence: float = 0.99,
    untrained: int = 2,
    controls: Sequence[ControlName] = CONTROLS_BY_DEFAULT,
    seed: int = 0,
    on_progress: OnStageProgress = lambda progress: None,
    on_validation: OnValidation | None = None,
) -> Run:
    """Search every site of a network for every hypothesis of a task.

    First the task is held against itself and against the network (`interlocus.task_check`). At each site the sizes are
    searched that fit there.

    Args:
        network: one, or several of one architecture.
        task: what it solves.
        out: the folder where results are kept and gone on with; by default a temporary one.
        hypotheses: of the task, by name; by default all. The verdict is on the first.
        rivals: hypotheses that are other ways to the output.
        sizes: features a variable.
        featurizers: with which maps.
        starts: where searches begin, and how many of each.
        phases: how they go on.
        budget: what they may cost.
        competence: accuracy under which nothing is claimed.
        untrained: networks of the same build that are searched beside it; without them there is nothing to hold a score
            against, and no verdict. They are left out where it is not known how such a network begins.
        controls: what is measured beside the searches; without one of them the verdict may be `undecided`, naming it.
            `power` takes longest, where planted networks of this build can be made.
        seed: decides on everything that is drawn.
        on_progress: is told how far it is; `il.show_progress()` shows it.
        on_validation: is shown every validation of the searches; `il.TensorBoard(folder)` draws them.

    Raises:
        InterlocusError: what cannot work, before any search.
    """
    check_fit(network, task)
    asked = tuple(hypotheses) or tuple(task.hypotheses)
    check_task(task, network, hypotheses=asked, seed=seed)
    name = f"network {network.fingerprint()}"
    groups = [NetworkGroup(name="network", network=register_object(name, network), count=len(network))]
    blank = tuple(network.untrained_copies(untrained, seed=seed))
    if blank:
        own = register_object(f"{name}, untrained", blank)
        groups.append(NetworkGroup(name="untrained", network=own, count=len(blank), trained=False))
    study = Study(
        name="examined",
        title=f"What does this network compute on its way through {task.name}?",
        task=TaskSpec.of(task),
        networks=tuple(groups),
        sites=tuple(network.sites),
        searches=tuple(_searches(network, task, asked, sizes, featurizers)),
        starts=dict(starts),
        phases=tuple(phases),
        budget=budget or Budget(),
        competence=competence,
        rivals=tuple(rivals),
        controls=tuple(controls),
        seed=seed,
    )
    study.check()
    return run_study(
        study, out or tempfile.mkdtemp(prefix="interlocus-"), on_progress=on_progress, on_validation=on_validation
    )


def _searches(
    network: AbstractNetworks,
    task: AbstractTask,
    hypotheses: Sequence[str],
    sizes: Sequence[int],
    featurizers: Sequence[str],
) -> list[SearchSpec]:
    """One entry for all sites and hypotheses at which the same sizes fit; the first hypothesis stands first."""

    def fitting(place: tuple[str, str]) -> tuple[int, ...]:
        site, name = place
        room = network.width(site) // len(task.hypothesis(name).variables)
        return tuple(size for size in sizes if size <= room)

    places = sorted(itertools.product(network.sites, hypotheses), key=lambda place: (fitting(place), place[1]))
    groups: dict[tuple[tuple[int, ...], tuple[str, ...]], list[str]] = {}
    for (fits, name), own in itertools.groupby(places, key=lambda place: (fitting(place), place[1])):
        groups.setdefault((fits, tuple(site for site, _ in own)), []).append(name)
    first = hypotheses[0]
    return [
        SearchSpec(
            hypotheses=tuple(sorted(names, key=lambda name: name != first)),
            sizes=fits,
            featurizers=tuple(featurizers),
            sites=sites,
        )
        for (fits, sites), names in sorted(groups.items(), key=lambda group: first not in group[1])
        if fits
    ]
