"""The result of the battery in words: two confusion tables, and how often a verdict is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape

from interlocus.report.terminal.tables import err, out, plain_table, print_words
from interlocus.studies.calibration.confusion import BatteryResult, Calibration
from interlocus.verdicts.words import VERDICT_WORDS

SEARCH_TITLES: Mapping[str, str] = {
    "usual": "The usual search: truth and verdicts, in networks",
    "weakened": "A weakened search (one start, few steps): truth and verdicts, in networks",
}


def show_battery(result: BatteryResult, *, as_json: bool) -> None:
    """Print both confusion tables and the error rates with their bounds; trials that failed go to standard error."""
    if as_json:
        out.print_json(json.dumps({name: table.to_json() for name, table in result.tables.items()}))
        return
    print_battery(result, out)
    for run in result.runs.values():
        for failure in run.failures:
            err.print(f"[red]failed[/red] {escape(str(failure.error))}")


def print_battery(result: BatteryResult, console: Console) -> None:
    """Print, for each of the two searches, its confusion table, its error rates and its time."""
    for name, calibration in result.tables.items():
        _print_confusion(SEARCH_TITLES.get(name, name), calibration, console)
        _print_rates(calibration, console)
        times = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in result.runs[name].seconds.items())
        console.print(f"time: {times}\n")
    tables = [calibration.table for calibration in result.tables.values()]
    used = {word for table in tables for row in table.values() for word, count in row.items() if count}
    console.print("In brackets: one-sided 95 % bounds (Clopper–Pearson) over networks and over architectures.\n")
    print_words([entry for word, entry in VERDICT_WORDS.items() if word in used], console)


def _print_confusion(title: str, calibration: Calibration, console: Console) -> None:
    words = [word for word in VERDICT_WORDS if any(row[word] for row in calibration.table.values())]
    table = plain_table(title, ("",), words)
    truths = dict.fromkeys(kind.rpartition(": ")[2] for kind in calibration.table)
    for truth in truths:
        table.add_row(f"[bold]{truth}[/bold]")
        for kind, row in calibration.table.items():
            name, _, truth_of_kind = kind.rpartition(": ")
            if truth_of_kind == truth:
                table.add_row(escape(name), *(str(row[word] or "·") for word in words))
    console.print(table)


def _print_rates(calibration: Calibration, console: Console) -> None:
    table = plain_table("", ("",), ("networks", "architectures"))
    for event, rate in calibration.errors.items():
        table.add_row(
            event,
            f"{rate.count} of {rate.of} (≤ {100 * rate.high:.1f} %)",
            f"{rate.architectures} of {rate.of_architectures} (≤ {100 * rate.high_clustered:.0f} %)",
        )
    for event, rate in calibration.successes.items():
        architectures = f"{rate.architectures} of {rate.of_architectures}"
        table.add_row(event, f"{rate.count} of {rate.of} (≥ {100 * rate.low:.1f} %)", architectures)
    console.print(table)
