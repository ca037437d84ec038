"""Pulling variables out: of the inputs in a file, and as a program that stands alone."""

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

MODULE = "interlocus.module/1"


def extract(alignment: Alignment, network: AbstractNetworks, rows: Rows) -> Iterator[Columns]:
    """What an alignment reads from the rows of a file, some rows at a time; memory does not grow with the file.

    Args:
        alignment: with read-outs.
        network: in which it was found.
        rows: of the file.

    Yields:
        `row` (its number in the file, from 0), and for each variable v its value `v`, `v_probability` and `v_features`.

    Raises:
        AlignmentError: another network, or no read-outs.
        SpecificationError: rows that cannot be read.
    """
    read_part = alignment.extractor(network)
    for number, values in rows:
        with one_thread():
            read = read_part(torch.from_numpy(values).to(network.device))
        columns: Columns = {"row": number}
        for name, reading in read.items():
            columns |= {
                name: reading.value.cpu().numpy(),
                f"{name}_probability": reading.probability.cpu().numpy(),
                f"{name}_features": reading.features.cpu().numpy(),
            }
        yield columns


def load_fitted(path: Path, network: AbstractNetworks, *, size: int | str | None = None) -> Alignment:
    """An alignment with read-outs: its own, or fitted now where it lies in a run folder, which knows the task.

    Raises:
        AlignmentError: there is none, or it was saved without read-outs somewhere else.
    """
    alignment = Alignment.load(path, size=size)
    if alignment.read_outs:
        return alignment
    store = Store(path.resolve().parent.parent)
    if not store.has_study():
        raise AlignmentError(
            f"The alignment in {path} has no read-out.",
            "It says where the variables are, not which value they have, and no run folder around it names the task.",
            "Save `alignment.fitted(network, task)`, or pass a file of a run folder.",
        )
    study = store.study()
    return alignment.fitted(network, study.task.build(), seed=study.seed)


def build_task(text: str) -> AbstractTask:
    """A task by its name, as `file.py:Class` (which runs that code), or as it stands in a study.

    Raises:
        InterlocusError: no such task or argument, or a file that fails when it is run.
    """
    wanted = make_code_paths_absolute({"task": parse_yaml(text, "The task") if "{" in text else text}, Path())["task"]
    if not isinstance(wanted, dict) or not isinstance(wanted.get("name"), str):
        raise SpecificationError(
            f"The task {text!r} has no name.",
            "A task is a name, or a mapping with `name` and arguments.",
            "For instance '{name: hierarchical_equality, item_width: 2}'.",
        )
    return TaskSpec(**wanted).build()


def load_network(text: str, task: AbstractTask | None) -> AbstractNetworks:
    """A network from a file that was saved, or from `file.py:function`, which runs that code.

    Args:
        text: which.
        task: what it solves, where that is known.

    Raises:
        NetworkError: the file holds no perceptron, or the function fails or gives something else.
        SpecificationError: the function wants a task.
    """
    if files.read_format(text) == MODULE:
        raise NetworkError(
            f"The file {text} holds the parameters of a torch module.",
            "What a module does with them stands in its code.",
            "Pass file.py:function that builds it with these parameters.",
        )
    if not is_code_reference(text):
        return MLP.load(text)
    kind = FromFunction(source=make_reference_absolute(text, Path()))
    if task is not None:
        return kind.build(task, seed=0, trained=True)
    if "task" in kind.arguments:
        raise SpecificationError(
            f"The function {text} takes a task, and none is given.",
            "It is called with what it takes.",
            "Pass --task.",
        )
    return kind.call(seed=0, trained=True)
