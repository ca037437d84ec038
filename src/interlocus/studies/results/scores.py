"""From records to the table: one row a network, site, hypothesis, size and featurizer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

from interlocus.alignment.dimensions import Size
from interlocus.studies.records import Record
from interlocus.studies.spec.study import Study
from interlocus.tasks.chance_levels import ChanceLevels, chance_levels

SCORE_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of `scores.csv`.

    Args:
        schedule: how the searches began and went on; empty where that is as in the study.
        size: features a variable: an integer, or where variables have unequally many, theirs in the order of the
            hypothesis with a plus between them, `4+2`. In order these stand by their mean.
        interventions: how many were asked.
        iia_solved: IIA over those whose base and sources the network solves by itself.
        iia: of the attempt that is best by validation, on test interventions; `low` and `high` are Wilson's 95 % ends.
        no_effect: IIA of a site where an interchange changes nothing; the other levels as in `Floors`.
        floors: whether these levels are `enumerated` or `drawn`.
        worst_transition: smallest IIA of a cell of one variable: base value → source value, or for a continuous one
            whether the label changes.
        answer_change_rate: share of swaps that change the answer.
        validation: IIA by which the attempt was chosen; `last` where its loss ended.
        start: from where; `restarts` counts all attempts, `restart_mean` and `restart_min` are theirs on test.
        by_start: test IIA of each start's best attempt; `by_kind` that of each kind of intervention.
        solved: how many attempts of each start reach a test IIA of .99, of how many.
        accuracy: of the network; `competent` says whether it passes the study's gate.
    """

    network: str
    group: str
    site: str
    hypothesis: str
    featurizer: str
    schedule: str
    size: Size
    interventions: int
    iia: float
    low: float
    high: float
    iia_solved: float
    no_effect: float
    copy_source: float
    one_directional: float | None
    output_only: float
    chance_levels: str
    worst_transition: float
    answer_change_rate: float
    validation: float
    last: float
    start: str
    outcome: str
    restarts: int
    restart_mean: float
    restart_min: float
    by_start: str
    solved: str
    by_kind: str
    accuracy: float
    competent: bool


def rows(study: Study, records: Iterable[Record]) -> list[Row]:
    """The table of a study, in the order of the study."""
    task = study.task.build()
    floors_of = lru_cache(lambda name: chance_levels(task, task.hypothesis(name)))
    groups = [group.name for group in study.networks]
    table = [row for record in records for row in _rows_of(study, record, floors_of(record.trial.hypothesis))]
    return sorted(
        table,
        key=lambda r: (
            groups.index(r.group),
            r.network,
            study.sites.index(r.site),
            r.hypothesis,
            r.featurizer,
            study.schedules.index(r.schedule),
            r.size,
        ),
    )


def _rows_of(study: Study, record: Record, level: ChanceLevels) -> list[Row]:
    trial = record.trial
    made = []
    for entry in record.sizes:
        best, iias = entry.best, [restart.score.iia for restart in entry.restarts]
        low, high = best.score.interval[1:]
        made.append(
            Row(
                network=trial.network,
                group=trial.group,
                site=trial.site,
                hypothesis=trial.hypothesis,
                featurizer=trial.featurizer,
                schedule=trial.schedule,
                size=entry.size,
                interventions=best.score.count,
                iia=best.score.iia,
                low=low,
                high=high,
                iia_solved=best.score.iia_solved,
                no_effect=level.no_effect,
                copy_source=level.copy_source,
                one_directional=level.one_directional,
                output_only=level.output_only,
                chance_levels=level.method,
                worst_transition=best.score.worst_transition,
                answer_change_rate=best.score.answer_change_rate,
                validation=best.validation,
                last=best.last,
                start=best.start,
                outcome=best.outcome,
                restarts=len(iias),
                restart_mean=sum(iias) / len(iias),
                restart_min=min(iias),
                by_start=_pairs(entry.by_start()),
                solved=";".join(f"{name}={hits}/{count}" for name, (hits, count) in entry.solved().items()),
                by_kind=_pairs(best.score.kinds),
                accuracy=record.accuracy,
                competent=record.accuracy >= study.competence,
            )
        )
    return made


def _pairs(values: Mapping[str, float]) -> str:
    return ";".join(f"{name}={value:.{SCORE_DIGITS}f}" for name, value in values.items())


def to_csv(table: Sequence[Row]) -> str:
    """The table as text; equal to the byte for equal scores."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(Row)]
    writer.writerow(names)
    for row in table:
        values = (getattr(row, name) for name in names)
        writer.writerow([f"{value:.{SCORE_DIGITS}f}" if isinstance(value, float) else value for value in values])
    return text.getvalue()
