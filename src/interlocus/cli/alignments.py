"""Commands about single alignments: extracting variables, and auditing an alignment from another tool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interlocus.cli.completion import complete_tasks
from interlocus.cli.options import TASK_HELP, AsJson, NetworkFile, Seed, StoredSize


def extract_command(
    alignment: Annotated[
        Path, typer.Argument(help="Alignment: a file of a run folder, or one saved from Python.", metavar="ALIGNMENT")
    ],
    inputs: Annotated[
        Path, typer.Argument(help="Inputs of the network, one a row, as .npy or .csv.", metavar="INPUTS")
    ],
    network: NetworkFile,
    out: Annotated[
        Path | None, typer.Option(help="File for the values, .csv or .npy. [default: the terminal]", metavar="FILE")
    ] = None,
    size: StoredSize = None,
    task: Annotated[
        str | None,
        typer.Option(
            help=f"Needed only where the function of --network takes a task. {TASK_HELP}",
            metavar="TASK",
            autocompletion=complete_tasks,
        ),
    ] = None,
    skip_invalid_rows: Annotated[
        bool,
        typer.Option(
            "--skip-invalid-rows", help="Leave out rows with NaN, infinite or missing values, instead of stopping."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Extract the variables for each input row: value, probability and features."""
    from interlocus.alignment.tabular import Rows
    from interlocus.cli.loading import build_task, extract, load_fitted, load_network
    from interlocus.report.terminal.output import announce_code, write_columns

    announce_code(network, task)
    loaded = load_network(network, None if task is None else build_task(task))
    fitted = load_fitted(alignment, loaded, size=size)
    rows = Rows(path=inputs, width=loaded.input_width, skip_invalid=skip_invalid_rows)
    write_columns(extract(fitted, loaded, rows), rows, out, as_json=as_json)


def audit_command(
    alignment: Annotated[
        Path,
        typer.Argument(
            help="Alignment: a saved file, a folder saved by pyvene, or a file of tensors.", metavar="ALIGNMENT"
        ),
    ],
    network: NetworkFile,
    task: Annotated[str, typer.Option(help=TASK_HELP, metavar="TASK", autocompletion=complete_tasks)],
    size: StoredSize = None,
    hypothesis: Annotated[
        str | None,
        typer.Option(
            help="Hypothesis whose variables the alignment holds (needed for other tools' files).", metavar="NAME"
        ),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(help="Site where the alignment applies (needed for other tools' files).", metavar="NAME"),
    ] = None,
    blocks: Annotated[
        str | None,
        typer.Option(
            help="Columns of each variable (needed for rotations of other tools).", metavar="left=0:8,right=8:16"
        ),
    ] = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to save the audit in.", metavar="DIR")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the default controls of an alignment, for instance one of another tool, and print its verdicts."""
    from interlocus.alignment.from_directions import parse_blocks
    from interlocus.alignment.pyvene import load_any
    from interlocus.cli.loading import build_task, load_network
    from interlocus.report.terminal.output import announce_code, show_audit, stage_printer
    from interlocus.studies.audit import audit

    announce_code(network, task)
    built = build_task(task)
    loaded = load_network(network, built)
    imported = load_any(
        alignment, loaded, built, size=size, hypothesis=hypothesis, site=site, blocks=parse_blocks(blocks)
    )
    result = audit(imported, loaded, built, seed=seed, on_progress=stage_printer(quiet=as_json))
    if out is not None:
        result.save(out)
    show_audit(result, as_json=as_json)
