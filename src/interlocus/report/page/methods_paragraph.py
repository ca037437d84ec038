"""A methods paragraph for a paper, with the numbers of a run filled in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from interlocus.alignment.dimensions import size_text
from interlocus.controls.record import controls_of
from interlocus.core.version import __version__
from interlocus.searches.budget import Phase
from interlocus.studies.run import Run
from interlocus.studies.spec.study import Study


def methods_text(run: Run) -> list[str]:
    """Five paragraphs: networks, searches, chance levels, verdicts and software."""
    return [_networks(run), _searches(run), _chance_levels(run), _verdicts(run), _software(run)]


def _networks(run: Run) -> str:
    study = run.study
    parts = []
    for group in study.networks:
        competent = {row.network: row.competent for row in run.table if row.group == group.name}
        text = f"{group.name}: {group.count} networks, {group.source.summary}"
        if not group.trained:
            parts.append(f"{text}, not trained")
        elif competent:
            parts.append(f"{text}; {sum(competent.values())} of {len(competent)} solve the task")
        else:
            parts.append(text)
    return (
        f"Networks. The task was {study.task.name}. The groups of networks were {'; '.join(parts)}. A network solves "
        f"the task if it gives the right class on at least {100 * study.competence:.1f} % of fresh examples; nothing "
        "is claimed about other networks."
    )


def _searches(run: Run) -> str:
    study, budget, task = run.study, run.study.budget, run.study.task.build()
    parts = []
    for search in study.searches:
        names = _and(_hypothesis(name, task.hypothesis(name).variables) for name in search.hypotheses)
        sites = _and(search.sites or study.sites)
        schedule = f" ({search.schedule})" if search.schedule else ""
        featurizers, sizes = _and(search.featurizers), _and(map(size_text, search.sizes))
        parts.append(f"{names} at {sites} with {featurizers} featurizers of {sizes} features a variable{schedule}")
    schedules = "; ".join(_schedule(study, name) for name in study.schedules)
    return (
        f"Searches. By distributed alignment search (Geiger et al., 2023) we searched for {'; '.join(parts)}. Each "
        f"search was run from {schedules}. Bases and sources were drawn from {budget.pool:,} inputs. We kept the "
        "restart with the highest interchange intervention accuracy (IIA) on "
        f"{budget.validation:,} validation interventions, and measured its IIA on {budget.test:,} test interventions "
        "which were used for no choice."
    )


def _schedule(study: Study, name: str) -> str:
    """The starts and phases of a schedule, after its name where it has one."""
    starts = study.starts_of(name)
    noun = "start" if list(starts.values())[-1] == 1 else "starts"
    phases = "; then ".join(_phase(phase, study.budget.batch) for phase in study.phases_of(name))
    text = f"{_and(f'{count} {start}' for start, count in starts.items())} {noun}: {phases}"
    return f"({name}) {text}" if name else text


def _hypothesis(name: str, variables: Sequence[str]) -> str:
    return name if list(variables) == [name] else f"{name} ({_and(variables)})"


def _phase(phase: Phase, batch: int) -> str:
    return (
        f"at most {phase.steps:,} steps of Adam (learning rate {phase.learning_rate:g}, cosine decay, batches of "
        f"{batch:,} {phase.sampling.replace('_', ' ')} interventions) on the {phase.loss.replace('_', ' ')} loss"
    )


def _chance_levels(run: Run) -> str:
    levels = {}
    for line in run.lines:
        bound = (
            ""
            if line.one_directional is None
            else f", and a map that can only destroy the variable scores at most {line.one_directional:.3f}"
        )
        levels[line.hypothesis] = (
            f"for {line.hypothesis} an interchange without effect scores {line.no_effect:.3f}{bound}"
        )
    known = f" {_capitalised('; '.join(levels.values()))}." if levels else ""
    return (
        "Chance levels and intervals. Scores are compared with those that are reached without the "
        f"variable.{known} Intervals of means over networks are Student's 95 % intervals; those of one network are "
        "exact (Clopper–Pearson; each test example is "
        "used in one intervention), corrected for the number of scores that were looked at."
    )


def _verdicts(run: Run) -> str:
    study, thresholds = run.study, run.study.verdict
    controls = [control.description.format(**thresholds.model_dump()) for control in controls_of(study.controls)]
    measured = f"As controls, {'; '.join(controls)}." if controls else "No controls were measured."
    answer = run.answer.direct if run.answer else ""
    return (
        f"Verdicts. {measured} A variable counts as found where the lower end of its IIA is at least "
        f"{thresholds.found:g} and above the null (random directions, untrained networks), that of its worst "
        f"transition is at least {thresholds.worst_transition:g}, joint interventions score within "
        f"{thresholds.source_gap:g} of single ones, and at least {thresholds.answer_change_rate:g} of the "
        f"interventions change the answer. {answer}"
    ).strip()


def _software(run: Run) -> str:
    return (
        f"Software. Interlocus {__version__}, seed {run.study.seed}; study {run.study.name} ({run.study.fingerprint})."
    )


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
