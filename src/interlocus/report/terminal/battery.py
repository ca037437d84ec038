"""The result of the battery in words: bounds first, then constructions, worst first, then what others would say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from interlocus.report.terminal.tables import err, out, plain_table
from interlocus.studies.calibration.run import BatteryResult
from interlocus.studies.calibration.scoring import OUTCOMES, ConstructionRow, Rate, ScoreCard

SEARCH_TITLES: Mapping[str, str] = {
    "usual": "The usual search",
    "weakened": "A weakened search (one start, few steps), whose misses have to be `undecided`",
}
UNITS = ("constructions", "cells", "networks")


def show_battery(result: BatteryResult, *, as_json: bool) -> None:
    """Print the score cards of a run; trials that failed go to standard error."""
    if as_json:
        out.print_json(json.dumps(result.to_json()))
        return
    print_battery(result, out)
    for run in result.runs.values():
        for failure in run.failures:
            err.print(f"[red]failed[/red] {escape(str(failure.error))}")


def show_card(card: ScoreCard, *, as_json: bool) -> None:
    """Print the score card of one tool."""
    if as_json:
        out.print_json(json.dumps(card.to_json()))
    else:
        print_card(card, card.name, out)


def print_battery(result: BatteryResult, console: Console) -> None:
    """Print both searches with their constructions, and one line for each way of deciding that is common."""
    for name, title in SEARCH_TITLES.items():
        print_card(result.cards[name], title, console)
    baselines = [card for name, card in result.cards.items() if name not in SEARCH_TITLES]
    if baselines:
        print_comparison([result.cards["usual"], *baselines], console)
    phases: dict[str, float] = {}
    for run in result.runs.values():
        for phase, seconds in run.seconds.items():
            phases[phase] = phases.get(phase, 0.0) + seconds
    console.print("time: " + ", ".join(f"{phase} {seconds:.0f} s" for phase, seconds in phases.items()))


def print_card(card: ScoreCard, title: str, console: Console) -> None:
    """Print one score card: the bounds, and a row for each construction."""
    bounds = plain_table(title, ("",), UNITS)
    bounds.add_row("false finding", *_cells(card.false_finding))
    bounds.add_row("false absence", *_cells(card.false_absence))
    bounds.add_row("undecided", *_cells(card.undecided))
    bounds.add_row("all found", *_cells(card.power, upper=False))
    console.print(bounds)
    console.print(
        "In brackets: one-sided 95 % bounds (Clopper–Pearson). False findings: where one is possible. False absences: "
        "where a variable is there. Undecided: of networks that solve the task. All found: where all are there."
    )
    console.print(_of_iia(card))
    table = plain_table("", ("construction", "truth", "networks", "words", "size"))
    for row in card.rows:
        outcomes = [f"{outcome} {row.outcomes[outcome]}" for outcome in OUTCOMES if row.outcomes.get(outcome)]
        table.add_row(
            escape(row.construction),
            ", ".join(row.statuses) + (" *" if row.can_err else ""),
            ", ".join(outcomes),
            _words(row),
            f"{row.size_right} of {row.sized}" if row.sized else "·",
        )
    console.print(table)
    console.print("*: a finding can be false there. `size`: reported sizes that are at most one above the true size.\n")


def print_comparison(cards: Sequence[ScoreCard], console: Console) -> None:
    """Print how often several ways of deciding are wrong on the same networks."""
    table = plain_table("The same networks, decided in other ways", ("", ""), UNITS)
    for card in cards:
        name = "verdicts" if card.name == "usual" else card.name
        table.add_row(escape(name), "false finding", *_cells(card.false_finding))
        table.add_row("", "false absence", *_cells(card.false_absence))
    console.print(table)


def _cells(rate: Rate, *, upper: bool = True) -> list[str]:
    bounds, sign = (rate.high, "≤") if upper else (rate.low, "≥")
    return [f"{rate.counts[unit]} of {rate.of[unit]} ({sign} {100 * bounds[unit]:.1f} %)" for unit in UNITS]


def _of_iia(card: ScoreCard) -> str:
    bias = "–" if card.bias is None else f"{card.bias:+.4f} (mean over {card.biased})"
    covered = f"{card.covered} of {card.intervals}" if card.intervals else "–"
    return f"Reported IIA minus that of known directions: {bias}. Intervals that include it: {covered}."


def _words(row: ConstructionRow) -> str:
    ordered = sorted(row.words.items(), key=lambda item: -item[1])
    return ", ".join(f"{word} {count}" for word, count in ordered)
