"""The command line. Only here is anything printed."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from interlocus.cli.completion import complete_devices, complete_kinds, complete_studies
from interlocus.core.errors import InterlocusError, UnknownNameError
from interlocus.core.version import __version__

app = typer.Typer(
    name="interlocus",
    help="Does a trained network compute a hypothesised intermediate variable? Where, and in how few dimensions?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Argument(help="A run folder that `interlocus study` wrote.", metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def study(
    name: Annotated[
        str,
        typer.Argument(
            help="A shipped study, or a specification.",
            metavar="[NAME|SPEC.yaml]",
            autocompletion=complete_studies,
        ),
    ] = "equality",
    out: Annotated[
        Path | None, typer.Option(help="Where results are kept. [default: runs/NAME]", metavar="DIR")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Change a value of the study.", metavar="key=value")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes, one thread each.", show_default="cores")] = os.cpu_count()
    or 1,
    device: Annotated[
        str, typer.Option(help="Where searches run: cpu or cuda.", autocompletion=complete_devices)
    ] = "cpu",
    seed: Annotated[int | None, typer.Option(help="Decides on everything that is drawn.")] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Draw the searches there while they run, for TensorBoard.", metavar="DIR")
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="A first look: three networks a family, short searches, none planted."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and what it costs.")] = False,
    as_json: Json = False,
) -> None:
    """Run a study, going on from what its folder already holds."""
    from interlocus.report.terminal import output as terminal
    from interlocus.report.terminal.progress import progress
    from interlocus.searches.callbacks import TensorBoard
    from interlocus.studies.executors import Local
    from interlocus.studies.plan import forecast
    from interlocus.studies.run import run_study
    from interlocus.studies.spec.study import Study

    asked = Study.load(name)
    asked = asked.quick() if quick else asked
    asked = asked.with_values([*(set_ or []), *([f"seed={seed}"] if seed is not None else [])])
    executor = Local(workers=workers)
    if dry_run:
        terminal.show_forecast(asked, forecast(asked, workers=workers), as_json=as_json)
        return
    folder = out or Path("runs") / asked.name
    terminal.check_device(device)
    on_validation = TensorBoard(tensorboard) if tensorboard else None
    with progress(asked, folder, quiet=as_json) as on_progress:
        run = run_study(
            asked, folder, executor=executor, device=device, on_progress=on_progress, on_validation=on_validation
        )
    terminal.finish(run, as_json=as_json)
    if run.failures:
        raise typer.Exit(1)


@app.command()
def show(folder: Folder, as_json: Json = False) -> None:
    """Print the table and the answer again."""
    from interlocus.report.terminal import output as terminal
    from interlocus.studies.run import Run

    terminal.show_run(Run.load(folder), as_json=as_json)


@app.command()
def compare_runs(
    folders: Annotated[list[Path], typer.Argument(help="Run folders; all are held against the first.", metavar="DIR…")],
    out: Annotated[
        Path | None, typer.Option(help="Write a page with the differences, too.", metavar="FILE.html")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold runs side by side, with intervals of the differences."""
    from interlocus.report.page.comparison import write_comparison
    from interlocus.report.terminal import output as terminal
    from interlocus.studies.results.compare_runs import compare_runs
    from interlocus.studies.run import Run

    found = compare_runs([Run.load(folder) for folder in folders])
    if out is not None:
        write_comparison(found, out)
    terminal.show_comparison(found, as_json=as_json)


@app.command()
def calibrate(
    out: Annotated[Path, typer.Option(help="Where results are kept.", metavar="DIR")] = Path("runs/calibration"),
    workers: Annotated[int, typer.Option(help="Processes, one thread each.", show_default="cores")] = os.cpu_count()
    or 1,
    small: Annotated[bool, typer.Option("--small", help="One architecture only: a first look.")] = False,
    seed: Annotated[int | None, typer.Option(help="Another than the sealed one.")] = None,
    as_json: Json = False,
) -> None:
    """Try the verdicts on networks of known truth: the confusion table, and how often a word is wrong."""
    from interlocus.report.terminal import output as terminal
    from interlocus.report.terminal.progress import progress
    from interlocus.studies.calibration.battery import SEALED_SEED, battery
    from interlocus.studies.calibration.confusion import run_battery
    from interlocus.studies.executors import Local
    from interlocus.studies.pipeline import OnStageProgress

    scale = "small" if small else "whole"
    with ExitStack() as stack:

        def on_progress(name: str) -> OnStageProgress:
            stack.close()  # of the display before
            asked = battery(scale=scale, crippled=name == "crippled")
            return stack.enter_context(progress(asked, out / name, quiet=as_json))

        found = run_battery(
            out,
            scale=scale,
            seed=SEALED_SEED if seed is None else seed,
            executor=lambda: Local(workers=workers),
            on_progress=on_progress,
        )
    terminal.show_calibration(found, as_json=as_json)
    if any(run.failures for run in found.runs.values()):
        raise typer.Exit(1)


@app.command()
def report(folder: Folder) -> None:
    """Build the page and the figures again."""
    from interlocus.report.terminal import output as terminal
    from interlocus.studies.run import Run

    terminal.write_page(Run.load(folder))


Network = Annotated[
    str, typer.Option(help="A file that was saved, or file.py:function, which runs that code.", metavar="FILE")
]
AlignmentFile = Annotated[Path, typer.Argument(help="A file of a run folder, or one that was saved.")]
Size = Annotated[str | None, typer.Option(help="Which, where the file holds several.")]
TASK = "A task by name, file.py:Class (which runs that code), or as in a study: '{name: …, …}'."


@app.command()
def read(
    alignment: AlignmentFile,
    inputs: Annotated[Path, typer.Argument(help="Inputs of the network, one a row: .npy or .csv.")],
    network: Network,
    out: Annotated[
        Path | None, typer.Option(help="Where the values go: .csv or .npy. [default: the terminal]", metavar="FILE")
    ] = None,
    size: Size = None,
    task: Annotated[str | None, typer.Option(help=f"For a function that wants it. {TASK}")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out rows that are no numbers.")] = False,
) -> None:
    """Pull the variables out: value, probability and features for each row."""
    from interlocus.alignment.tabular import Rows
    from interlocus.report.terminal import output as terminal
    from interlocus.studies.loading import build_task, extract, load_fitted, load_network

    terminal.say_code(network, task)
    own = load_network(network, None if task is None else build_task(task))
    found = load_fitted(alignment, own, size=size)
    rows = Rows(path=inputs, width=own.input_width, skip_invalid=skip_bad)
    terminal.write_columns(extract(found, own, rows), rows, out)


@app.command()
def audit(
    alignment: Annotated[Path, typer.Argument(help="A saved alignment, a folder of pyvene's, or a file of tensors.")],
    network: Network,
    task: Annotated[str, typer.Option(help=TASK)],
    size: Size = None,
    hypothesis: Annotated[str | None, typer.Option(help="Of a foreign alignment: whose variables it holds.")] = None,
    site: Annotated[str | None, typer.Option(help="Of a foreign alignment: where in the network.")] = None,
    blocks: Annotated[
        str | None, typer.Option(help="Of a foreign rotation: columns of each variable.", metavar="left=0:8,right=8:16")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides on everything that is drawn.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the audit is kept.", metavar="DIR")] = None,
    as_json: Json = False,
) -> None:
    """Put an alignment that was found elsewhere to all controls."""
    from interlocus.alignment.from_directions import parse_blocks
    from interlocus.alignment.pyvene import load_any
    from interlocus.report.terminal import output as terminal
    from interlocus.studies.audit import audit as audited
    from interlocus.studies.loading import build_task, load_network

    terminal.say_code(network, task)
    solved = build_task(task)
    own = load_network(network, solved)
    columns = parse_blocks(blocks)
    found = load_any(alignment, own, solved, size=size, hypothesis=hypothesis, site=site, blocks=columns)
    outcome = audited(found, own, solved, seed=seed, on_progress=terminal.saying(quiet=as_json))
    if out is not None:
        outcome.save(out)
    terminal.show_audit(outcome, as_json=as_json)


@app.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(help="studies, tasks, featurizers, starts, losses or executors.", autocompletion=complete_kinds),
    ] = None,
    as_json: Json = False,
) -> None:
    """List what there is, a line each."""
    from interlocus.cli.list_plugins import catalogue
    from interlocus.report.terminal.tables import show_catalogue

    everything = catalogue()
    if kind is not None and kind not in everything:
        raise UnknownNameError("list", kind, everything)
    show_catalogue({kind: everything[kind]} if kind else everything, as_json=as_json)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"interlocus {__version__}")
        raise typer.Exit


INTERRUPTED = 130


def main() -> None:
    """Run the command line; whatever goes wrong is one message and an exit status."""
    if threading.current_thread() is threading.main_thread():  # nobody else may
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends its worker processes too, as Ctrl-C does
    try:
        app()
    except InterlocusError as error:
        _say(error.found, error.why, error.hint)
        sys.exit(2)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            again = shlex.join(["interlocus", *sys.argv[1:]])
            _say("Interrupted.", "What is finished is kept.", f"Go on with: {again}")
        raise
    except Exception as error:
        if os.environ.get("INTERLOCUS_TRACEBACK"):
            raise
        _say(
            f"{type(error).__name__}: {error}.",
            "Nothing here expected that; what is finished is kept.",
            "Set INTERLOCUS_TRACEBACK=1 to see where it happened, and please report it.",
        )
        sys.exit(2)


def _say(found: str, why: str, hint: str) -> None:
    typer.secho(found, fg=typer.colors.RED, bold=True, err=True)
    typer.echo(why, err=True)
    typer.secho(hint, bold=True, err=True)
