"""The jobs whose results no verdict uses: projections for figures, and re-use."""

from __future__ import annotations

from collections.abc import Sequence

from interlocus.core.tensor_files import TensorFile
from interlocus.studies.jobs.progress import OnShare
from interlocus.studies.projection import Projections, project
from interlocus.studies.records import Record, StoredAlignment
from interlocus.studies.reuse.measure import LabelDraws, Reuse, measure_reuse, new_question
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study


def projection_job(
    study: Study,
    group: NetworkGroup,
    network: TensorFile,
    record: Record,
    alignment: StoredAlignment,
    on_progress: OnShare,
) -> Projections:
    """Project states of one network into the subspaces of its variables, for figures.

    Args:
        study: The study, for its task and seed.
        group: The group of the network.
        network: The file of the network.
        record: The record of the trial that found the alignment.
        alignment: The alignment that defines the subspaces.
        on_progress: Not called; the job is short.
    """
    task = study.task.build()
    stacks = group.source.load(task, [network], seed=study.seed)
    return project(stacks[0][0], task, alignment.load(), record.trial, seed=study.seed)


def reuse_job(
    study: Study,
    group: NetworkGroup,
    index: int,
    networks: Sequence[TensorFile],
    alignment: StoredAlignment,
    device: str,
    on_progress: OnShare,
) -> Reuse:
    """Measure re-use in one network: how well the study's new question is answered from few labels.

    Args:
        study: A study with `reuse`.
        group: The group of the network.
        index: Position of the network in the group, from 0.
        networks: The files of all networks of the group, in order.
        alignment: The alignment whose features are re-used.
        device: Where networks run, `"cpu"` or `"cuda"`.
        on_progress: Called with the share that is done.
    """
    assert study.reuse is not None
    task = study.task.build()
    stacks = group.source.load(task, networks, seed=study.seed)
    network = [stack[i] for stack in stacks for i in range(len(stack))][index].to(device)
    loaded = alignment.load()
    return measure_reuse(
        loaded,
        network,
        task,
        new_question(study.reuse.question, loaded.variables),
        labels=LabelDraws(counts=study.reuse.labels, draws=study.reuse.draws),
        seed=study.seed,
        on_progress=on_progress,
    )
