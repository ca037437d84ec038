"""Search and judge a network that is an object of this process, in one call."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from interlocus.alignment.dimensions import fills_site
from interlocus.core.user_code import register_object
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit, check_sites, check_task
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.searches.callbacks import OnValidation
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.networks import NetworkGroup, TaskSpec
from interlocus.studies.spec.searches import CONTROLS_BY_DEFAULT, ControlName, SearchSpec
from interlocus.studies.spec.study import Study
from interlocus.studies.stages import OnStageProgress
from interlocus.tasks import AbstractTask

EXAMINE_SIZES = (1, 2, 4, 8, 16)
"""Sizes that `examine` searches by default, as far as they fit a site."""


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
    untrained: int = 3,
    controls: Sequence[ControlName] = CONTROLS_BY_DEFAULT,
    seed: int = 0,
    on_progress: OnStageProgress = lambda progress: None,
    on_validation: OnValidation | None = None,
) -> Run:
    """Search every site of a network for every hypothesis of a task.

    At each site only the sizes that fit are searched, and none whose variables take up the whole site, which would be
    no evidence. `check_task` is called before.

    Args:
        network: One network, or a stack of several with the same architecture.
        task: The task that the network solves.
        out: Path of the run folder; a temporary one by default. The same call resumes a run that was stopped.
        hypotheses: Names of hypotheses of the task; all by default. Verdicts are about the first.
        rivals: Names of hypotheses that describe other routes to the output, for the verdict `other-route`.
        sizes: Numbers of features per variable.
        featurizers: Names of featurizers, or of plug-ins.
        starts: For each start the number of restarts.
        phases: Phases of each search, in order.
        budget: Numbers of examples, interventions and steps between checks; `Budget()` by default.
        competence: Accuracy below which every verdict is `not-learned`, from 0 to 1.
        untrained: Number of untrained networks that are searched as well. Without two of them every verdict is
            `undecided`.
        controls: Names of controls. Without one that matters, the verdict is `undecided` and names it.
        seed: Seed of all examples, searches and untrained networks.
        on_progress: Called with the phase and its share; `il.show_progress()` shows a bar.
        on_validation: Called with every validation of the searches; `il.TensorBoard(folder)` logs them.

    Raises:
        InterlocusError: Network, task and arguments do not fit together. It is raised before any search.
    """
    check_fit(network, task)
    searched = tuple(hypotheses) or tuple(task.hypotheses)
    check_task(task, network, hypotheses=searched, seed=seed)
    check_sites(network, task, tuple(network.sites), seed=seed)
    study = Study(
        name="examined",
        title=f"Which variables of {task.name} does this network compute, and where?",
        task=TaskSpec.of(task),
        networks=_groups(network, untrained, seed),
        sites=tuple(network.sites),
        searches=tuple(_searches(network, task, searched, sizes, featurizers)),
        starts=dict(starts),
        phases=tuple(phases),
        budget=budget or Budget(),
        competence=competence,
        rivals=tuple(rivals),
        controls=tuple(controls),
        seed=seed,
    )
    study.check()
    folder = out or tempfile.mkdtemp(prefix="interlocus-")
    return run_study(study, folder, on_progress=on_progress, on_validation=on_validation)


def _groups(network: AbstractNetworks, untrained: int, seed: int) -> tuple[NetworkGroup, ...]:
    """The group of the network, and that of its untrained copies if it can have any."""
    name = f"network {network.fingerprint()}"
    group = NetworkGroup(name="network", network=register_object(name, network), count=len(network))
    copies = tuple(network.untrained_copies(untrained, seed=seed))
    if not copies:
        return (group,)
    untrained_group = NetworkGroup(
        name="untrained",
        network=register_object(f"{name}, untrained", copies),
        count=len(copies),
        trained=False,
        untrained_parameters=network.untrained_parameters,
    )
    return group, untrained_group


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
        variables, width = len(task.hypothesis(name).variables), network.width(site)
        fits = tuple(size for size in sizes if size * variables <= width)
        return tuple(size for size in fits if not fills_site(size, variables, width)) or fits

    places = sorted(itertools.product(network.sites, hypotheses), key=lambda place: (fitting(place), place[1]))
    groups: dict[tuple[tuple[int, ...], tuple[str, ...]], list[str]] = {}
    for (fits, name), members in itertools.groupby(places, key=lambda place: (fitting(place), place[1])):
        groups.setdefault((fits, tuple(site for site, _ in members)), []).append(name)
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
