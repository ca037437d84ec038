"""A paragraph on methods with the numbers of a run filled in, to be pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from interlocus.alignment.dimensions import size_text
from interlocus.controls.record import controls_of
from interlocus.core.statistics import RESAMPLES
from interlocus.core.version import __version__
from interlocus.searches.budget import Phase
from interlocus.studies.run import Run
from interlocus.studies.spec.study import Study


def methods_text(run: Run) -> list[str]:
    """Paragraphs: networks, searches, what scores are held against, verdicts, software."""
    return [_networks(run), _searches(run), _levels(run), _verdicts(run), _software(run)]


def _networks(run: Run) -> str:
    study = run.study
    parts = []
    for group in study.networks:
        solved = {row.network: row.competent for row in run.table if row.group == group.name}
        kind = f"{group.name}: {group.count} networks, {group.source.summary}"
        if not group.trained:
            parts.append(f"{kind}, not trained")
        elif solved:
            parts.append(f"{kind}; {sum(solved.values())} of {len(solved)} solve the task")
        else:
            parts.append(kind)
    return (
        f"Networks. The task was {study.task.name}. The families were {'; '.join(parts)}. A network solves the task "
        f"if it gives the right class on at least {study.competence:.1%} of fresh examples; of others nothing is "
        "claimed."
    )


def _searches(run: Run) -> str:
    study, budget, task = run.study, run.study.budget, run.study.task.build()
    asked = []
    for search in study.searches:
        names = _and(_named(name, task.hypothesis(name).variables) for name in search.hypotheses)
        sites = _and(search.sites or study.sites)
        named = f" ({search.schedule})" if search.schedule else ""
        maps, sizes = _and(search.featurizers), _and(map(size_text, search.sizes))
        asked.append(f"{names} at {sites} with {maps} maps of {sizes} features a variable{named}")
    began = "; ".join(_schedule(study, name) for name in study.schedules)
    return (
        f"Searches. By distributed alignment search (Geiger et al., 2023) we looked for {'; '.join(asked)}. Each "
        f"search was made from {began}. Bases and sources came from {budget.pool:,} inputs. The "
        "restart with the highest interchange intervention accuracy (IIA) on "
        f"{budget.validation:,} validation interventions was kept, and its IIA measured on {budget.test:,} test "
        "interventions on which no choice was made."
    )


def _schedule(study: Study, name: str) -> str:
    """How searches begin and go on, under a name where that differs."""
    starts = study.starts_of(name)
    noun = "start" if list(starts.values())[-1] == 1 else "starts"
    phases = "; then ".join(_phase(phase, study.budget.batch) for phase in study.phases_of(name))
    text = f"{_and(f'{count} {start}' for start, count in starts.items())} {noun}: {phases}"
    return f"({name}) {text}" if name else text


def _named(hypothesis: str, variables: Sequence[str]) -> str:
    return hypothesis if list(variables) == [hypothesis] else f"{hypothesis} ({_and(variables)})"


def _phase(phase: Phase, batch: int) -> str:
    return (
        f"at most {phase.steps:,} steps of Adam (learning rate {phase.learning_rate:g}, cosine decay, batches of "
        f"{batch:,} {phase.sampling.replace('_', ' ')} interventions) on the {phase.loss.replace('_', ' ')} loss"
    )


def _levels(run: Run) -> str:
    levels = {}
    for line in run.lines:
        trick = (
            ""
            if line.one_directional is None
            else f", a trick that works one way only up to {line.one_directional:.3f}"
        )
        levels[line.hypothesis] = f"for {line.hypothesis} doing nothing scores {line.no_effect:.3f}{trick}"
    known = f" {_first_up('; '.join(levels.values()))}." if levels else ""
    return (
        f"Levels and intervals. Scores are held against what can be had without the variables.{known} Intervals of "
        f"means are 95 % bootstrap intervals over networks first and interventions within them ({RESAMPLES:,} "
        "resamples); those of one network are Wilson's, corrected for the number of entries looked at."
    )


def _verdicts(run: Run) -> str:
    study, bars = run.study, run.study.verdict
    controls = [control.description.format(**bars.model_dump()) for control in controls_of(study.controls)]
    measured = f"As controls, {'; '.join(controls)}." if controls else "No controls were measured."
    direct = run.answer.get("direct", "")
    return (
        f"Verdicts. {measured} A variable counts as found where the lower end of its IIA is at least {bars.found:g}, "
        f"that of its smallest cell at least {bars.cell:g}, and interventions from two sources score within "
        f"{bars.gap:g} of single ones. {direct}"
    ).strip()


def _software(run: Run) -> str:
    return (
        f"Software. Interlocus {__version__}, seed {run.study.seed}; study {run.study.name} ({run.study.fingerprint})."
    )


def _and(names: Iterable[str]) -> str:
    own: Sequence[str] = list(names)
    return own[0] if len(own) == 1 else f"{', '.join(own[:-1])} and {own[-1]}"


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]
