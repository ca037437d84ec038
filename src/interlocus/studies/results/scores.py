"""The table of scores: one row for each network, site, hypothesis, featurizer, schedule and size."""

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
"""Digits after the point in `scores.csv`."""
CellValue = str | int | float | bool | None
"""What a cell of a table can hold."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of `scores.csv`.

    Args:
        network: Name of the network.
        group: Name of its network group.
        site: Name of the site.
        hypothesis: Name of the hypothesis.
        featurizer: Name of the featurizer.
        schedule: Name of the schedule; empty for that of the study.
        size: Features per variable: an integer, or where variables have different numbers, these in the order of the
            hypothesis with a plus between them, `4+2`. In sorted order such a size stands by its mean.
        interventions: Number of test interventions.
        iia: Interchange intervention accuracy, on test interventions, of the restart that is best by validation.
        low: Lower end of the exact 95 % interval of `iia`.
        high: Upper end of the same interval.
        iia_solved: IIA over the interventions whose base and sources the network solves by itself.
        no_effect: Chance level of an interchange that changes nothing.
        copy_source: Chance level of an interchange that gives the answer to the source.
        one_directional: Chance level of an interchange that can leave a value and not return to it; `None` for
            continuous variables.
        output_only: Chance level of a site that carries the answer and nothing else.
        chance_levels: Whether the chance levels are `enumerated` or `drawn`.
        worst_transition: Smallest IIA over the transitions of one variable, from a base value to a source value. For a
            continuous variable the transitions are whether the label changes.
        answer_change_rate: Share of the interventions that change the answer of the network.
        validation: Validation IIA by which the restart was chosen.
        last: Validation IIA of the same restart at its last step.
        start: Name of the start of this restart.
        outcome: Why the search of its best restart ended, see `searches.results.Outcome`.
        restarts: Number of restarts of this search.
        restart_mean: Mean test IIA over restarts.
        restart_min: Smallest test IIA of a restart.
        by_start: For each start the test IIA of its best restart by validation.
        solved: For each start how many of its restarts reach a test IIA of .99, and how many there are.
        by_kind: IIA of each kind of intervention, by the variables that are exchanged.
        accuracy: Accuracy of the network on fresh examples, from 0 to 1.
        competent: Whether the accuracy is at least the competence that the study asks for.
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
    by_start: Mapping[str, float]
    solved: Mapping[str, tuple[int, int]]
    by_kind: Mapping[str, float]
    accuracy: float
    competent: bool

    def to_cells(self) -> dict[str, CellValue]:
        """The row with text in place of mappings, for a table, for instance `random=0.990000;covariance=1.000000`."""
        cells: dict[str, CellValue] = {field.name: getattr(self, field.name) for field in fields(self)}
        cells["by_start"] = _shares_text(self.by_start)
        cells["solved"] = ";".join(f"{name}={hits}/{count}" for name, (hits, count) in self.solved.items())
        cells["by_kind"] = _shares_text(self.by_kind)
        return cells


def featurizer_label(featurizer: str, schedule: str) -> str:
    """How a featurizer is called where schedules are compared: with the name of the schedule, if it has one.

    >>> featurizer_label("rotation", ""), featurizer_label("rotation", "greedy")
    ('rotation', 'rotation, greedy')

    Args:
        featurizer: Name of the featurizer.
        schedule: Name of the schedule; empty for that of the study.
    """
    return f"{featurizer}, {schedule}" if schedule else featurizer


def rows(study: Study, records: Iterable[Record]) -> list[Row]:
    """The table of a study, in the order of the study.

    Args:
        study: The study that the records belong to.
        records: Records of finished trials, in any order.
    """
    task = study.task.build()
    levels_of = lru_cache(lambda name: chance_levels(task, task.hypothesis(name)))
    groups = [group.name for group in study.networks]
    table = [row for record in records for row in _rows_of(study, record, levels_of(record.trial.hypothesis))]
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
    rows = []
    for entry in record.sizes:
        best, iias = entry.best, [restart.score.iia for restart in entry.restarts]
        low, high = best.score.interval[1:]
        rows.append(
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
                by_start=entry.by_start(),
                solved=entry.solved(),
                by_kind=best.score.kinds,
                accuracy=record.accuracy,
                competent=record.accuracy >= study.competence,
            )
        )
    return rows


def _shares_text(shares: Mapping[str, float]) -> str:
    return ";".join(f"{name}={share:.{SCORE_DIGITS}f}" for name, share in shares.items())


def to_csv(table: Sequence[Row]) -> str:
    """The table as CSV text; it is equal to the byte for equal scores.

    Args:
        table: The rows, in the order in which they are written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Row)])
    for row in table:
        cells = row.to_cells().values()
        writer.writerow([f"{cell:.{SCORE_DIGITS}f}" if isinstance(cell, float) else cell for cell in cells])
    return text.getvalue()
