"""Commands about studies and their run folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interlocus.cli.completion import complete_devices, complete_studies
from interlocus.cli.options import ALL_CORES, SOME_TRIALS_FAILED, AsJson, RunFolder, Workers

if TYPE_CHECKING:
    from interlocus.studies.spec.study import Study

StudyName = Annotated[
    str,
    typer.Argument(
        help="Name of a shipped study (see `interlocus list studies`), or a specification file.",
        metavar="[NAME|SPEC.yaml]",
        autocompletion=complete_studies,
    ),
]
Out = Annotated[Path | None, typer.Option(help="Folder for the results. [default: runs/NAME]", metavar="DIR")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a value of the study, e.g. budget.batch=256. Repeatable.", metavar="KEY=VALUE"),
]
Device = Annotated[
    str,
    typer.Option(help="Device for the searches: cpu or cuda.", metavar="DEVICE", autocompletion=complete_devices),
]
StudySeed = Annotated[
    int | None, typer.Option(help="Random seed, in place of the one in the study.", metavar="N", show_default=False)
]
TensorBoardFolder = Annotated[
    Path | None, typer.Option(help="Log the searches to TensorBoard in this folder.", metavar="DIR")
]
Quick = Annotated[
    bool, typer.Option("--quick", help="First look: three networks a group, short searches, no planted networks.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done and how long it takes, and stop.")]


def run_study_command(
    name: StudyName = "equality",
    out: Out = None,
    set_: Assignments = None,
    workers: Workers = ALL_CORES,
    device: Device = "cpu",
    seed: StudySeed = None,
    tensorboard: TensorBoardFolder = None,
    quick: Quick = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run a study, or continue one: what the results folder already holds is kept."""
    from interlocus.report.terminal.output import show_finished, show_forecast
    from interlocus.report.terminal.progress import progress
    from interlocus.searches.callbacks import TensorBoard
    from interlocus.studies.executors import Local
    from interlocus.studies.executors.devices import check_device
    from interlocus.studies.plan import forecast
    from interlocus.studies.run import run_study

    study = _load_study(name, set_ or [], seed, quick=quick)
    executor = Local(workers=workers)
    if dry_run:
        show_forecast(study, forecast(study, workers=workers), as_json=as_json)
        return
    folder = out or Path("runs") / study.name
    check_device(device)
    on_validation = TensorBoard(tensorboard) if tensorboard else None
    with progress(study, folder, quiet=as_json) as on_progress:
        run = run_study(
            study, folder, executor=executor, device=device, on_progress=on_progress, on_validation=on_validation
        )
    show_finished(run, as_json=as_json)
    if run.failures:
        raise typer.Exit(SOME_TRIALS_FAILED)


def _load_study(name: str, assignments: list[str], seed: int | None, *, quick: bool) -> Study:
    from interlocus.studies.spec.study import Study

    study = Study.load(name)
    study = study.quick() if quick else study
    return study.with_values([*assignments, *([f"seed={seed}"] if seed is not None else [])])


def show_command(folder: RunFolder, as_json: AsJson = False) -> None:
    """Print the scores and the answers of a run."""
    from interlocus.report.terminal.output import show_run
    from interlocus.studies.run import Run

    show_run(Run.load(folder), as_json=as_json)


def compare_command(
    folders: Annotated[
        list[Path], typer.Argument(help="Run folders; each is compared with the first.", metavar="DIR DIR…")
    ],
    out: Annotated[Path | None, typer.Option(help="Also write the comparison as a page.", metavar="FILE.html")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs: differences of scores, with 95 % intervals."""
    from interlocus.report.page.comparison import write_comparison
    from interlocus.report.terminal.output import show_comparison
    from interlocus.studies.compare_runs import compare_runs
    from interlocus.studies.run import Run

    comparison = compare_runs([Run.load(folder) for folder in folders])
    if out is not None:
        write_comparison(comparison, out)
    show_comparison(comparison, as_json=as_json)


def report_command(folder: RunFolder, as_json: AsJson = False) -> None:
    """Write the page and the figures of a run again, and print the path of the page."""
    from interlocus.report.terminal.output import show_page
    from interlocus.studies.run import Run

    show_page(Run.load(folder), as_json=as_json)
