"""What the command line loads: alignments, tasks and networks; and values of variables for the rows of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.tabular import Columns, Rows
from interlocus.core import tensor_files as files
from interlocus.core.errors import AlignmentError, NetworkError, SpecificationError
from interlocus.core.threads import one_thread
from interlocus.core.user_code import is_code_reference, make_reference_absolute
from interlocus.networks import MLP, AbstractNetworks
from interlocus.networks.sources.user import FromFunction
from interlocus.studies.spec.networks import TaskSpec, make_code_paths_absolute
from interlocus.studies.spec.parsing import parse_yaml
from interlocus.studies.store import Store
from interlocus.tasks import AbstractTask

MODULE_FORMAT = "interlocus.module/1"
"""Format of a file with the parameters of a torch module, which needs code to be run."""


def extract(alignment: Alignment, network: AbstractNetworks, rows: Rows) -> Iterator[Columns]:
    """Values of variables for the rows of a file, in parts, so that memory does not grow with the file.

    Args:
        alignment: An alignment with read-outs.
        network: The network in which it was found.
        rows: Parts of the file: numbers of rows, and inputs `[row, width]`.

    Yields:
        The columns of each part: `row` (number of the row in the file, from 0), and for each variable v its value `v`,
        `v_probability` and `v_features`.

    Raises:
        AlignmentError: The alignment belongs to another network, or has no read-outs.
        SpecificationError: A row cannot be parsed.
    """
    extract_part = alignment.extractor(network)
    for number, values in rows:
        with one_thread():
            read = extract_part(torch.from_numpy(values).to(network.device))
        columns: Columns = {"row": number}
        for name, extracted in read.items():
            columns |= {
                name: extracted.value.cpu().numpy(),
                f"{name}_probability": extracted.probability.cpu().numpy(),
                f"{name}_features": extracted.features.cpu().numpy(),
            }
        yield columns


def load_fitted(path: Path, network: AbstractNetworks, *, size: int | str | None = None) -> Alignment:
    """An alignment with read-outs. If the file has none and is part of a run folder, they are fitted now.

    Args:
        path: Path of a file with one or more alignments.
        network: The network in which the alignment was found.
        size: Size of the alignment; needed if the file holds several.

    Raises:
        AlignmentError: There is no such alignment, or it has no read-outs and is not part of a run folder.
    """
    alignment = Alignment.load(path, size=size)
    if alignment.read_outs:
        return alignment
    store = Store(path.resolve().parent.parent)
    if not store.has_study():
        raise AlignmentError(
            f"The alignment in {path} has no read-out.",
            "Values are extracted by a read-out. It could be fitted in a run folder, whose study.yaml names the task.",
            "Save alignment.fitted(network, task), or pass a file in the folder alignments/ of a run.",
        )
    study = store.study()
    return alignment.fitted(network, study.task.build(), seed=study.seed)


def build_task(text: str) -> AbstractTask:
    """Build a task from text.

    Args:
        text: The name of a task, `file.py:Class` (which runs that code), or a YAML mapping with `name` and arguments.

    Raises:
        InterlocusError: There is no such task or argument, or the file fails when it is run.
    """
    fields = make_code_paths_absolute({"task": parse_yaml(text, "The task") if "{" in text else text}, Path())["task"]
    if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
        raise SpecificationError(
            f"The task {text!r} has no name.",
            "A task is given by its name, or by a mapping with `name` and arguments.",
            "Write for instance '{name: hierarchical_equality, item_width: 2}'.",
        )
    return TaskSpec(**fields).build()


def load_network(text: str, task: AbstractTask | None) -> AbstractNetworks:
    """Load a network from a saved file, or call `file.py:function`, which runs that code.

    Args:
        text: Path of a file that `MLP.save` wrote, or `file.py:function`.
        task: The task that the network solves, passed to a function that takes one; `None` if unknown.

    Raises:
        NetworkError: The file holds no perceptron, or the function fails or returns something else.
        SpecificationError: The function takes a task, and `task` is `None`.
    """
    if files.read_format(text) == MODULE_FORMAT:
        raise NetworkError(
            f"The file {text} holds the parameters of a torch module.",
            "The code of the module is not in the file.",
            "Pass file.py:function, a function that builds the module and loads these parameters.",
        )
    if not is_code_reference(text):
        return MLP.load(text)
    factory = FromFunction(source=make_reference_absolute(text, Path()))
    if task is not None:
        return factory.build(task, seed=0, trained=True)
    if "task" in factory.arguments:
        raise SpecificationError(
            f"The function {text} has an argument `task`, but no task is given.",
            "The function cannot be called without it.",
            "Name the task with --task.",
        )
    return factory.call(seed=0, trained=True)
