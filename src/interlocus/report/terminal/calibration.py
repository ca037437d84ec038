"""The battery in words: both confusion tables, and how often a word is wrong."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from interlocus.report.terminal.tables import plain_table
from interlocus.studies.calibration.confusion import WORDS_BY_CERTAINTY, BatteryResult, Calibration


def print_calibration(found: BatteryResult, out: Console) -> None:
    """For each search its table, its rates, and what it took."""
    for name, calibration in found.tables.items():
        _print_words(f"The {name} search: what networks are, and what is said of them", calibration, out)
        _print_rates(calibration, out)
        spent = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in found.runs[name].seconds.items())
        out.print(f"took {spent}\n")
    out.print("In brackets: ends of one-sided 95 % intervals (Clopper–Pearson), over networks and over architectures.")


def _print_words(title: str, calibration: Calibration, out: Console) -> None:
    words = [word for word in WORDS_BY_CERTAINTY if any(row[word] for row in calibration.table.values())]
    table = plain_table(title, ("",), words)
    truths = dict.fromkeys(kind.rpartition(": ")[2] for kind in calibration.table)
    for truth in truths:
        table.add_row(f"[bold]{truth}[/bold]")
        for kind, row in calibration.table.items():
            made, _, own = kind.rpartition(": ")
            if own == truth:
                table.add_row(escape(made), *(str(row[word] or "·") for word in words))
    out.print(table)


def _print_rates(calibration: Calibration, out: Console) -> None:
    table = plain_table("", ("",), ("networks", "architectures"))
    for what, rate in calibration.errors.items():
        table.add_row(
            what,
            f"{rate.count} of {rate.of} (≤ {rate.high:.1%})",
            f"{rate.architectures} of {rate.of_architectures} (≤ {rate.high_clustered:.0%})",
        )
    for what, rate in calibration.successes.items():
        about = f"{rate.architectures} of {rate.of_architectures}"
        table.add_row(what, f"{rate.count} of {rate.of} (≥ {rate.low:.1%})", about)
    out.print(table)
