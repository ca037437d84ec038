"""What each command prints."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.table import Table

from interlocus.alignment.dimensions import size_text
from interlocus.alignment.tabular import Columns, Rows, open_output
from interlocus.core.statistics import Interval
from interlocus.core.user_code import is_code_reference
from interlocus.report.page.page import write_report
from interlocus.report.terminal.run import print_run
from interlocus.report.terminal.tables import err, interval_text, out, plain_table, print_words, score_text
from interlocus.studies.audit import Audit
from interlocus.studies.compare_runs import Comparison, ScoreDifference
from interlocus.studies.plan import Forecast
from interlocus.studies.run import Run
from interlocus.studies.spec.study import Study
from interlocus.verdicts.verdict import EVIDENCE_COLUMNS, Verdict
from interlocus.verdicts.words import VERDICT_WORDS


def show_forecast(study: Study, forecast: Forecast, *, as_json: bool) -> None:
    """Print what a study would do, and how long it would take."""
    if as_json:
        out.print_json(json.dumps(asdict(forecast) | {"seconds": forecast.seconds}))
        return
    table = Table(title=escape(f"{study.name}: {study.title}"), title_justify="left", show_header=False)
    for group in study.networks:
        source = group.source.summary if group.trained else f"{group.source.summary}, untrained"
        table.add_row(escape(f"group {group.name}"), escape(f"{group.count} networks, {source}"))
    table.add_row("sites", escape(", ".join(study.sites)))
    for search in study.searches:
        sizes = ", ".join(map(size_text, search.sizes))
        schedule = f", {search.schedule}" if search.schedule else ""
        featurizers = ", ".join(search.featurizers)
        sites = f" at {', '.join(search.sites)}" if search.sites else ""
        text = f"{', '.join(search.hypotheses)}{sites}, sizes {sizes}, with {featurizers}{schedule}"
        table.add_row("search", escape(text))
    for schedule in study.schedules:
        starts = ", ".join(f"{count} {name}" for name, count in study.starts_of(schedule).items())
        table.add_row(escape(f"starts of {schedule}" if schedule else "starts"), escape(starts))
    table.add_row("trials", str(forecast.trials))
    table.add_row("searches", str(forecast.searches))
    expected = (
        f"about {forecast.seconds:.0f} s: {forecast.training_seconds:.0f} s training, "
        f"{forecast.searching_seconds:.0f} s searching"
    )
    table.add_row("expected", expected + ("; the controls take about as long again" if study.controls else ""))
    out.print(table)


def show_finished(run: Run, *, as_json: bool) -> None:
    """After a study: write the page, then print the scores, the answers, the times, and what failed."""
    begun = time.perf_counter()
    page = write_report(run)
    seconds = run.seconds | {"drawing the page": time.perf_counter() - begun}
    show_run(run, as_json=as_json)
    if as_json:
        return
    out.print(_time_text(seconds))
    out.print(f"page: {escape(str(page))}")
    for failure in run.failures:
        err.print(f"[red]failed[/red] {escape(', '.join(failure.trials))}\n  {escape(str(failure.error))}")


def show_run(run: Run, *, as_json: bool) -> None:
    """Print the scores and the answers of a run."""
    if not as_json:
        print_run(run, out)
        return
    lines = [asdict(line) | {"enough": line.enough, "solved": asdict(line.solved)} for line in run.lines]
    values = {
        "study": run.study.name,
        "answer": run.answer.to_json() if run.answer else {},
        "answers": run.group_sentences,
        "lines": lines,
        "missing": run.missing,
        "methods": [asdict(method) for method in run.methods],
    }
    out.print_json(json.dumps(values))


def show_page(run: Run, *, as_json: bool) -> None:
    """Write the page of a run, and print its path."""
    page = str(write_report(run))
    if as_json:
        out.print_json(json.dumps({"page": page}))
    else:
        out.print(escape(page))


def write_columns(columns: Iterable[Columns], rows: Rows, path: Path | None, *, as_json: bool) -> None:
    """Write what was extracted from the rows of a file.

    Args:
        columns: Parts of the result, in the order of the rows.
        rows: The rows that are read while `columns` is consumed.
        path: File to write, `.csv` or `.npy`; `None` for standard output.
        as_json: Without a file print one JSON object a row; with a file print its path and its number of rows.

    Raises:
        SpecificationError: The file has another ending, or cannot be written.
    """
    count = 0
    if path is None and as_json:
        _print_json_lines(columns)
    else:
        with open_output(path) as output:
            for part in columns:
                output.write(part)
                count += len(part["row"])
    if path is not None and as_json:
        out.print_json(json.dumps({"file": str(path), "rows": count, "invalid_rows": rows.skipped}))
    if rows.skipped:
        err.print("1 invalid row was left out" if rows.skipped == 1 else f"{rows.skipped} invalid rows were left out")


def _print_json_lines(columns: Iterable[Columns]) -> None:
    for part in columns:
        names, values = list(part), [_plain(column) for column in part.values()]
        for row in zip(*values, strict=True):
            out.print(json.dumps(dict(zip(names, row, strict=True))), soft_wrap=True, markup=False)


def _plain(column: np.ndarray) -> list[object]:
    return column.tolist()


def announce_code(*sources: str | None) -> None:
    """Print which files of the user are about to be run, if any of the sources names one."""
    files = [source.rpartition(":")[0] for source in sources if source is not None and is_code_reference(source)]
    if files:
        err.print(f"This runs code from {escape(', '.join(dict.fromkeys(files)))}")


def stage_printer(*, quiet: bool) -> Callable[[str], None]:
    """A callback that prints the name of each stage, one a line; with `quiet` it prints nothing."""
    return lambda stage: None if quiet else err.print(escape(stage))


def show_audit(audit: Audit, *, as_json: bool) -> None:
    """Print the verdict on each variable of an alignment, with one line of evidence a control."""
    if as_json:
        out.print_json(json.dumps(audit.to_json()))
        return
    alignment = audit.alignment
    out.print(
        f"[bold]{escape(alignment.hypothesis)}[/bold] at {escape(alignment.site)} of network {alignment.network}, "
        f"{escape(alignment.featurizer)}, size {alignment.size}\n"
    )
    for verdict in audit.verdicts:
        _print_verdict(verdict)


def _print_verdict(verdict: Verdict) -> None:
    effect = verdict.effect
    interval = Interval(effect.iia, effect.low, effect.high)
    out.print(f"[bold]{escape(verdict.observation.variable)}[/bold]: IIA {interval_text(interval)}")
    print_words([VERDICT_WORDS[verdict.word]], out)
    table = plain_table("", EVIDENCE_COLUMNS)
    for row in verdict.evidence:
        sign = {True: "[green]yes[/green]", False: "[red]no[/red]", None: "–"}[row.passes]
        table.add_row(escape(row.control), sign, escape(row.text))
    out.print(table)
    for missing in verdict.missing_evidence:
        out.print(f"What would decide it: {escape(missing)}")
    out.print()


def show_comparison(comparison: Comparison, *, as_json: bool) -> None:
    """Print the differences of all runs from the first."""
    if as_json:
        differences = [asdict(entry) | {"key": entry.key._asdict()} for entry in comparison.differences]
        folders = [str(run.store.folder) for run in comparison.runs]
        values = {"runs": folders, "differences": differences, "left_out": list(comparison.only)}
        out.print_json(json.dumps(values))
        return
    for number in range(1, len(comparison.runs)):
        _print_differences(comparison, number)


def _print_differences(comparison: Comparison, number: int) -> None:
    first, other = comparison.runs[0], comparison.runs[number]
    title = f"{other.store.folder} compared with {first.store.folder}"
    columns = ("group", "site", "hypothesis", "featurizer")
    table = plain_table(title, columns, ("size", "first", "other", "difference"))
    differences = [entry for entry in comparison.differences if entry.run == number]
    for entry in differences:
        value, low, high = entry.difference
        text = escape(f"{value:+.3f} [{low:+.3f}, {high:+.3f}]")
        table.add_row(
            *map(escape, (*entry.key[:3], entry.key.map)),
            str(entry.key.size),
            score_text(entry.first),
            score_text(entry.other),
            f"[bold]{text}[/bold]" if entry.clear else text,
        )
    out.print(table)
    pairing = "network by network" if all(entry.paired for entry in differences) else "as two samples of networks"
    out.print(
        f"Mean IIA over networks, compared {pairing}; differences with 95 % intervals (Student, Welch), of "
        f"{_networks_text(differences)}; bold: the interval excludes zero. {comparison.only[0]} entries of the first "
        f"run and {comparison.only[number]} of the other run "
        "have no counterpart.\n"
    )


def _networks_text(differences: Sequence[ScoreDifference]) -> str:
    """The numbers of networks behind differences, which may vary between groups."""
    counts = sorted({count for entry in differences for count in entry.networks})
    return f"{counts[0]} networks" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} networks"


def _time_text(seconds: Mapping[str, float]) -> str:
    return "time: " + ", ".join(f"{phase} {spent:.1f} s" for phase, spent in seconds.items())
