"""Commands about the battery: networks of known truth, on which the error rates of any tool are measured."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from interlocus.cli.options import ALL_CORES, SOME_TRIALS_FAILED, AsJson, Workers

battery_app = typer.Typer(
    help="Measure how often verdicts are wrong, on networks of known truth.", no_args_is_help=True
)

Small = Annotated[bool, typer.Option("--small", help="First look: one architecture, some constructions.")]
SeedOfBattery = Annotated[
    int | None, typer.Option(help="Random seed, in place of the one reserved for the battery.", metavar="N")
]


@battery_app.command("run")
def run_battery_command(
    out: Annotated[Path, typer.Option(help="Folder for the results.", metavar="DIR")] = Path("runs/battery"),
    workers: Workers = ALL_CORES,
    small: Small = False,
    seed: SeedOfBattery = None,
    as_json: AsJson = False,
) -> None:
    """Search networks of known truth, and print how often each verdict is right or wrong."""
    from interlocus.report.terminal.battery import show_battery
    from interlocus.report.terminal.progress import progress
    from interlocus.studies.calibration.battery import SEALED_SEED, battery
    from interlocus.studies.calibration.run import SEARCH_KINDS, run_battery
    from interlocus.studies.executors import Local
    from interlocus.studies.stages import OnStageProgress

    scale, chosen = "small" if small else "whole", SEALED_SEED if seed is None else seed
    with ExitStack() as displays:

        def on_progress(search: str, name: str) -> OnStageProgress:
            displays.close()  # the display of the previous study
            study = battery(scale=scale, weakened=SEARCH_KINDS[search], seed=chosen).studies[name]
            return displays.enter_context(progress(study, out / search / name, quiet=as_json))

        result = run_battery(
            out, scale=scale, seed=chosen, executor=lambda: Local(workers=workers), on_progress=on_progress
        )
    show_battery(result, as_json=as_json)
    if any(run.failures for run in result.runs.values()):
        raise typer.Exit(SOME_TRIALS_FAILED)


@battery_app.command("export")
def export_battery_command(
    folder: Annotated[Path, typer.Argument(help="A new folder.", metavar="DIR")],
    small: Small = False,
    seed: SeedOfBattery = None,
) -> None:
    """Write the networks of the battery for any tool, with tasks and examples and without their truth."""
    from interlocus.report.terminal.tables import out
    from interlocus.studies.calibration.battery import SEALED_SEED
    from interlocus.studies.calibration.export import export_battery

    manifest = export_battery(folder, scale="small" if small else "whole", seed=SEALED_SEED if seed is None else seed)
    out.print(f"Networks, tasks and a loader are in {folder}; start with {manifest.with_name('README.md')}.")


@battery_app.command("score")
def score_battery_command(
    file: Annotated[Path, typer.Argument(help="Words by network and variable: .json or .csv.", metavar="FILE")],
    small: Small = False,
    seed: SeedOfBattery = None,
    as_json: AsJson = False,
) -> None:
    """Compare the words of any tool on exported networks with the truth."""
    from interlocus.report.terminal.battery import show_card
    from interlocus.studies.calibration.answers_file import read_answers
    from interlocus.studies.calibration.battery import SEALED_SEED, battery
    from interlocus.studies.calibration.scoring import score_answers

    chosen = SEALED_SEED if seed is None else seed
    truths = battery(scale="small" if small else "whole", seed=chosen).truths
    show_card(score_answers(file.name, truths, read_answers(file, truths, seed=chosen)), as_json=as_json)
