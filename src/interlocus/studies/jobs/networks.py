"""The jobs that make networks: those of a study, and those in which variables are planted."""

from __future__ import annotations

from collections.abc import Sequence

from interlocus.controls.ground_truth.planted_result import PlantedResult
from interlocus.controls.ground_truth.planting import Plantable
from interlocus.controls.power import measure_planted
from interlocus.core.tensor_files import TensorFile
from interlocus.studies.jobs.progress import OnShare
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study


def train_networks(study: Study, group: NetworkGroup, on_progress: OnShare) -> list[bytes]:
    """Train the networks of a group.

    Args:
        study: The study, for its task and seed.
        group: The group, with its source of networks.
        on_progress: Called with the share that is done.

    Returns:
        For each network the content of a safetensors file.
    """
    networks = group.source.make(
        study.task.build(), count=group.count, trained=group.trained, seed=study.seed, on_progress=on_progress
    )
    return [network.to_bytes() for network in networks]


def planting_job(
    study: Study,
    group: NetworkGroup,
    site: str,
    kind: str,
    networks: Sequence[TensorFile],
    device: str,
    on_progress: OnShare,
) -> PlantedResult:
    """Plant the variables in one way in networks like those of a group, and search them there.

    Args:
        study: The study, for its task, hypothesis, thresholds and seed.
        group: The studied group, whose architecture or networks are used.
        site: Name of the site at which the variables are planted.
        kind: Way of planting, a key of `PLANTING_RECIPES`.
        networks: The files of all networks of the group, in order.
        device: Where training and searches run, `"cpu"` or `"cuda"`.
        on_progress: Called with the share that is done.
    """
    task = study.task.build()
    stacks = group.source.load(task, networks, seed=study.seed)
    return measure_planted(
        study.portfolio(site),
        task,
        [stack for stack in stacks if isinstance(stack, Plantable)],
        site,
        kind,
        thresholds=study.verdict,
        device=device,
        on_progress=on_progress,
    )
