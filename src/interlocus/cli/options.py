"""Options and arguments that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

SOME_TRIALS_FAILED, NOT_UNDERSTOOD, INTERRUPTED = 1, 2, 130
"""Exit status of a command, besides 0. Typer itself uses 2 for options that do not exist."""

RunFolder = Annotated[Path, typer.Argument(help="Run folder that `interlocus study` wrote.", metavar="DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option(help="Random seed.", metavar="N")]

Workers = Annotated[
    int, typer.Option(help="Number of processes, each with one thread.", metavar="N", show_default="all cores")
]
ALL_CORES = os.cpu_count() or 1

NetworkFile = Annotated[
    str,
    typer.Option(
        "--network",
        help="Network: a saved perceptron, or file.py:function, which runs that code to build the network.",
        metavar="FILE",
    ),
]
StoredSize = Annotated[
    str | None, typer.Option("--size", help="Size to use, where the file holds several.", metavar="N")
]

TASK_HELP = "Task: a name, file.py:Class (which runs that code), or '{name: …, …}' as in a study."
