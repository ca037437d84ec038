"""The command line: the table of commands, and what happens when one of them fails."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from concurrent.futures.process import BrokenProcessPool
from typing import Annotated

import typer

from interlocus.cli.alignments import audit_command, extract_command
from interlocus.cli.battery import battery_app
from interlocus.cli.completion import complete_kinds
from interlocus.cli.options import INTERRUPTED, NOT_UNDERSTOOD, AsJson
from interlocus.cli.studies import compare_command, report_command, run_study_command, show_command
from interlocus.core.errors import InterlocusError, UnknownNameError
from interlocus.core.version import __version__

app = typer.Typer(
    name="interlocus",
    help="Find where, and in how few dimensions, a trained network computes a hypothesised intermediate variable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("study")(run_study_command)
app.command("show")(show_command)
app.command("compare")(compare_command)
app.command("report")(report_command)
app.command("extract")(extract_command)
app.command("audit")(audit_command)


@app.command("list")
def list_command(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="Kind to list: studies, tasks, networks, featurizers, starts, losses, controls, executors or figures. "
            "[default: all]",
            metavar="[KIND]",
            autocompletion=complete_kinds,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the names that a study may use, one a line."""
    from interlocus.cli.list_plugins import catalogue
    from interlocus.report.terminal.tables import show_catalogue

    lists = catalogue()
    if kind is not None and kind not in lists:
        raise UnknownNameError("list", kind, lists)
    show_catalogue({kind: lists[kind]} if kind else lists, as_json=as_json)


app.add_typer(battery_app, name="battery")


@app.callback(invoke_without_command=True)
def _print_version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"interlocus {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line. An error is printed as one message of three lines, and gives an exit status.

    The status is 0 when all is done, 1 when some trials failed, 2 when the request cannot be understood, and 130 when
    the command was interrupted. With INTERLOCUS_TRACEBACK=1 in the environment, unexpected errors show a traceback.
    """
    if threading.current_thread() is threading.main_thread():  # other threads may not set handlers
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # end worker processes as well, as Ctrl-C does
    again = shlex.join(["interlocus", *sys.argv[1:]])
    try:
        app()
    except InterlocusError as error:
        _print_message(error.found, error.why, error.hint)
        sys.exit(NOT_UNDERSTOOD)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _print_message("Interrupted.", "Finished trials are kept.", f"Continue with: {again}")
        raise
    except Exception as error:
        if os.environ.get("INTERLOCUS_TRACEBACK"):
            raise
        _print_unexpected(error, again)
        sys.exit(NOT_UNDERSTOOD)


def _print_unexpected(error: Exception, again: str) -> None:
    if isinstance(error, BrokenProcessPool):
        _print_message(
            "A worker process was killed.",
            "The machine probably ran out of memory. Finished trials are kept.",
            f"Continue with one process: {again} --workers 1",
        )
        return
    _print_message(
        f"{type(error).__name__}: {error}.",
        "This is an error in Interlocus or in code that it was given. Finished trials are kept.",
        "Set INTERLOCUS_TRACEBACK=1 to see where it happened, and please report it.",
    )


def _print_message(found: str, why: str, hint: str) -> None:
    typer.secho(found, fg=typer.colors.RED, bold=True, err=True)
    typer.echo(why, err=True)
    typer.secho(hint, bold=True, err=True)
