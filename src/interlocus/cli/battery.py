"""Commands about the battery: networks of known truth, on which the error rates of verdicts are measured."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from interlocus.cli.options import ALL_CORES, SOME_TRIALS_FAILED, AsJson, Workers

battery_app = typer.Typer(
    help="Measure how often verdicts are wrong, on networks of known truth.", no_args_is_help=True
)


@battery_app.callback()
def _battery() -> None:
    """Keeps `run` a command of its own, as long as it is the only one."""


@battery_app.command("run")
def run_battery_command(
    out: Annotated[Path, typer.Option(help="Folder for the results.", metavar="DIR")] = Path("runs/battery"),
    workers: Workers = ALL_CORES,
    small: Annotated[bool, typer.Option("--small", help="First look: one architecture only.")] = False,
    seed: Annotated[
        int | None, typer.Option(help="Random seed, in place of the one reserved for the battery.", metavar="N")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search networks of known truth, and print how often each verdict is right or wrong."""
    from interlocus.report.terminal.battery import show_battery
    from interlocus.report.terminal.progress import progress
    from interlocus.studies.calibration.battery import SEALED_SEED, battery
    from interlocus.studies.calibration.confusion import run_battery
    from interlocus.studies.executors import Local
    from interlocus.studies.stages import OnStageProgress

    scale = "small" if small else "whole"
    with ExitStack() as displays:

        def on_progress(name: str) -> OnStageProgress:
            displays.close()  # the display of the previous search
            study = battery(scale=scale, weakened=name == "weakened")
            return displays.enter_context(progress(study, out / name, quiet=as_json))

        result = run_battery(
            out,
            scale=scale,
            seed=SEALED_SEED if seed is None else seed,
            executor=lambda: Local(workers=workers),
            on_progress=on_progress,
        )
    show_battery(result, as_json=as_json)
    if any(run.failures for run in result.runs.values()):
        raise typer.Exit(SOME_TRIALS_FAILED)
