"""What the command line shows: progress, tables, answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from rich.markup import escape
from rich.table import Table

from interlocus.alignment.dimensions import size_text
from interlocus.alignment.tabular import Columns, Rows, open_output
from interlocus.core.errors import SpecificationError
from interlocus.core.user_code import names_code
from interlocus.report.page.page import write_report
from interlocus.report.terminal.calibration import print_calibration
from interlocus.report.terminal.run import print_run
from interlocus.report.terminal.tables import err, out, plain_table, share_text
from interlocus.studies.audit import Audit
from interlocus.studies.calibration.confusion import BatteryResult
from interlocus.studies.plan import Forecast
from interlocus.studies.results.compare_runs import Comparison, ComparisonKey
from interlocus.studies.run import Run
from interlocus.studies.spec.study import Study


def check_device(device: str) -> None:
    """Raise `SpecificationError` where a device cannot be used."""
    if device != "cpu" and not (device.split(":")[0] == "cuda" and torch.cuda.is_available()):
        raise SpecificationError(
            f"The device {device!r} is asked for.",
            "This machine, or this torch, does not have it.",
            "Pass --device cpu.",
        )


def show_forecast(study: Study, cost: Forecast, *, as_json: bool) -> None:
    """What would be done, and what it costs."""
    if as_json:
        out.print_json(json.dumps(asdict(cost) | {"seconds": cost.seconds}))
        return
    table = Table(title=f"{study.name}: {study.title}", title_justify="left", show_header=False)
    for group in study.networks:
        about = group.source.summary if group.trained else f"{group.source.summary}, untrained"
        table.add_row(f"family {group.name}", escape(f"{group.count} networks, {about}"))
    table.add_row("sites", ", ".join(study.sites))
    for search in study.searches:
        sizes = ", ".join(map(size_text, search.sizes))
        named = f", {search.schedule}" if search.schedule else ""
        maps = ", ".join(search.featurizers)
        places = f" at {', '.join(search.sites)}" if search.sites else ""
        table.add_row("search", f"{', '.join(search.hypotheses)}{places}, sizes {sizes}, with {maps}{named}")
    for schedule in study.schedules:
        starts = ", ".join(f"{count} {name}" for name, count in study.starts_of(schedule).items())
        table.add_row(f"starts of {schedule}" if schedule else "starts", starts)
    table.add_row("trials", str(cost.trials))
    table.add_row("searches", str(cost.searches))
    table.add_row(
        "expected",
        f"about {cost.seconds:.0f} s: {cost.training_seconds:.0f} training, {cost.searching_seconds:.0f} searching"
        + ("; about as much again for the controls" if study.controls else ""),
    )
    out.print(table)


def finish(run: Run, *, as_json: bool) -> None:
    """After a study: the page, the table, the answers, the times, and what failed."""
    begun = time.perf_counter()
    page = write_report(run)
    seconds = run.seconds | {"drawing the page": time.perf_counter() - begun}
    show_run(run, as_json=as_json)
    if as_json:
        return
    out.print(_took(seconds))
    out.print(f"page {page}")
    for failure in run.failures:
        err.print(f"[red]failed[/red] {', '.join(failure.trials)}\n  {failure.error}")


def write_columns(columns: Iterable[Columns], rows: Rows, path: Path | None) -> None:
    """Write what is read from rows to a file, or to the terminal.

    Raises:
        SpecificationError: a file of another kind, or one that cannot be written.
    """
    with open_output(path) as output:
        for part in columns:
            output.write(part)
    if rows.skipped:
        err.print(f"{rows.skipped} bad rows were left out")


def say_code(*texts: str | None) -> None:
    """Say which files of the user's own are about to be run."""
    files = dict.fromkeys(text.rpartition(":")[0] for text in texts if text is not None and names_code(text))
    if files:
        err.print(f"This runs code: {escape(', '.join(files))}")


def saying(*, quiet: bool) -> Callable[[str], None]:
    """Say what is being done, a line each."""
    return lambda phase: None if quiet else err.print(escape(phase))


def show_audit(found: Audit, *, as_json: bool) -> None:
    """What became of an alignment: for each variable the effect, the verdict, and a row a control."""
    if as_json:
        out.print_json(json.dumps(found.to_json()))
        return
    about = found.alignment
    out.print(
        f"[bold]{escape(about.hypothesis)}[/bold] at {escape(about.site)} of network {about.network}, "
        f"{escape(about.featurizer)}, size {about.size}\n"
    )
    for verdict in found.verdicts:
        interval = (
            f"{share_text(verdict.entry.iia)} [{share_text(verdict.entry.low)}, {share_text(verdict.entry.high)}]"
        )
        title = f"{verdict.seen.variable}: IIA {interval}, {verdict.word}"
        table = plain_table(title, ("control", "", "what it says"))
        for row in verdict.evidence:
            sign = {True: "[green]yes[/green]", False: "[red]no[/red]", None: "–"}[row.passes]
            table.add_row(escape(row.control), sign, escape(row.text))
        out.print(table)
        for wanted in verdict.wanted:
            out.print(f"It would be decided by: {escape(wanted)}")
        out.print()


def show_calibration(found: BatteryResult, *, as_json: bool) -> None:
    """Both confusion tables, and the rates with their bounds."""
    if as_json:
        out.print_json(json.dumps({name: table.to_json() for name, table in found.tables.items()}))
        return
    print_calibration(found, out)
    for run in found.runs.values():
        for failure in run.failures:
            err.print(f"[red]failed[/red] {failure.error}")


def _took(seconds: Mapping[str, float]) -> str:
    return "took " + ", ".join(f"{phase} {spent:.1f} s" for phase, spent in seconds.items())


def write_page(run: Run) -> None:
    """Build the page, and say where it is."""
    out.print(str(write_report(run)))


def show_run(run: Run, *, as_json: bool) -> None:
    """The table over networks, and the answer in words."""
    if as_json:
        lines = [asdict(line) | {"enough": line.enough, "solved": asdict(line.solved)} for line in run.lines]
        found = {
            "study": run.study.name,
            "answer": run.answer,
            "answers": run.answers,
            "lines": lines,
            "missing": run.missing,
        }
        out.print_json(json.dumps(found | {"methods": [asdict(method) for method in run.methods]}))
        return
    print_run(run, out)


def show_comparison(found: Comparison, *, as_json: bool) -> None:
    """Differences of all runs from the first."""
    if as_json:
        plain = [asdict(one) | {"key": one.key._asdict()} for one in found.differences]
        folders = [str(run.store.folder) for run in found.runs]
        out.print_json(json.dumps({"runs": folders, "differences": plain, "left_out": list(found.only)}))
        return
    for number, run in enumerate(found.runs[1:], start=1):
        title = f"{run.store.folder} against {found.runs[0].store.folder}"
        table = plain_table(title, ("group", "site", "swap", "map"), ("size", "first", "other", "difference"))
        own = [one for one in found.differences if one.run == number]
        for one in own:
            low, high = one.difference[1:]
            text = f"{one.difference.value:+.3f} [{low:+.3f}, {high:+.3f}]"
            table.add_row(
                *map(escape, (*one.key[:3], _map(one.key))),
                str(one.key.size),
                share_text(one.first),
                share_text(one.other),
                f"[bold]{escape(text)}[/bold]" if one.clear else escape(text),
            )
        out.print(table)
        how = "network by network" if all(one.paired for one in own) else "as two samples of networks"
        out.print(
            f"Mean IIA over networks; differences with 95 % bootstrap intervals, taken {how}; bold: zero is left out. "
            f"{found.only[0]} entries of the first and {found.only[number]} of the other have no counterpart.\n"
        )


def _map(key: ComparisonKey) -> str:
    return f"{key.featurizer}, {key.schedule}" if key.schedule else key.featurizer
