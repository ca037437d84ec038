"""The job that measures the controls of a group at one site."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from interlocus.alignment.alignment import alignments_to_bytes
from interlocus.controls._base import ControlContext
from interlocus.controls.record import ControlRecord, measure_controls
from interlocus.controls.used_subspace import UsedSubspaceControl
from interlocus.core.tensor_files import TensorFile
from interlocus.studies.jobs.progress import OnShare, part
from interlocus.studies.records import ControlResult, StoredAlignment
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study


def control_job(
    study: Study,
    group: NetworkGroup,
    site: str,
    networks: Sequence[TensorFile],
    alignments: Sequence[StoredAlignment | None],
    competent: Sequence[bool],
    device: str,
    on_progress: OnShare,
) -> list[ControlResult]:
    """Measure the controls of a group at a site; one result for each network.

    Args:
        study: The study, for its task, controls, thresholds and seed.
        group: The group whose networks are measured.
        site: Name of the site, a hidden one.
        networks: The files of all networks of the group, in order.
        alignments: For each network the alignment by which the site is judged; `None` where there is none.
        competent: For each network whether it solves the task. Of one that does not, nothing is measured, since no
            verdict would use it.
        device: Where searches run, `"cpu"` or `"cuda"`.
        on_progress: Called with the share that is done.
    """
    task, results = study.task.build(), list[ControlResult]()
    waiting = iter(zip(group.networks, alignments, competent, strict=True))
    stacks = group.source.load(task, networks, seed=study.seed)
    for number, stack in enumerate(stacks):
        of_stack = list(itertools.islice(waiting, len(stack)))
        measured = [i for i, (_, _, is_competent) in enumerate(of_stack) if is_competent]
        by_name = {
            name: ControlResult(record=ControlRecord(network=name, group=group.name, site=site, results={}), inside={})
            for name, _, _ in of_stack
        }
        if measured:
            context = ControlContext(
                portfolio=study.portfolio(site),
                task=task,
                networks=stack.select(measured).to(device),
                site=site,
                controls=study.controls,
                alignments=[one and one.load() for _, one, is_competent in of_stack if is_competent],
                thresholds=study.verdict,
                on_progress=part(on_progress, number, len(stacks)),
            )
            names = [of_stack[i][0] for i in measured]
            by_name |= {result.record.network: result for result in _measured(context, study, group, names)}
        results += by_name.values()
    return results


def _measured(context: ControlContext, study: Study, group: NetworkGroup, names: Sequence[str]) -> list[ControlResult]:
    """The controls of a context, with the alignments that were found inside the used subspaces."""
    records = measure_controls(context, names=names, group=group.name)
    searched = any(record.result(UsedSubspaceControl) is not None for record in records)
    inside = _inside(context, study.asked) if searched else [{} for _ in records]
    return [ControlResult(record=record, inside=files) for record, files in zip(records, inside, strict=True)]


def _inside(context: ControlContext, hypothesis: str) -> list[dict[str, bytes]]:
    """For each network the alignments that were found inside its used subspace, one file for each featurizer."""
    target = context.task.hypothesis(hypothesis)
    return [
        {
            featurizer: alignments_to_bytes(by_size)
            for featurizer, by_size in restricted.in_full_state(target, context.task, context.networks[i]).items()
        }
        for i, restricted in enumerate(context.restricted)
    ]
