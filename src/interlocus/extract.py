"""Pulling variables out: of the inputs in a file, and as a program that stands alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus import files
from interlocus.alignment import Alignment
from interlocus.brought import Made
from interlocus.code import absolute, names_code
from interlocus.errors import AlignmentError, NetworkError, SpecificationError
from interlocus.family import TaskSpec, with_whole_paths
from interlocus.networks import MLP, AbstractNetworks
from interlocus.readout import Reading
from interlocus.rows import Columns, Rows
from interlocus.specification import parse_yaml
from interlocus.store import Store
from interlocus.tasks import AbstractTask
from interlocus.threads import one_thread

MODULE = "interlocus.module/1"
CHECKED = 256
"""Inputs on which a program is held against what it was made from."""
TOLERANCE = 1e-4
"""Of features and probabilities: torch may put the same sums together in another order."""


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
    read_part = alignment.reader(network)
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
    wanted = with_whole_paths({"task": parse_yaml(text, "The task") if "{" in text else text}, Path())["task"]
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
    if files.form_of(text) == MODULE:
        raise NetworkError(
            f"The file {text} holds the parameters of a torch module.",
            "What a module does with them stands in its code.",
            "Pass file.py:function that builds it with these parameters.",
        )
    if not names_code(text):
        return MLP.load(text)
    kind = Made(source=absolute(text, Path()))
    if task is not None:
        return kind.build(task, seed=0, trained=True)
    if "task" in kind.takes:
        raise SpecificationError(
            f"The function {text} takes a task, and none is given.",
            "It is called with what it takes.",
            "Pass --task.",
        )
    return kind.call(seed=0, trained=True)


def export(
    alignment: Alignment,
    network: AbstractNetworks,
    path: str | Path,
    example: Float[Tensor, "batch ..."] | None = None,
) -> None:
    """Write a program from inputs to the variables; see `Alignment.export`."""
    if example is None:
        if network.input_width is None:
            raise AlignmentError(
                "The network takes more than a vector.",
                "A program is written for inputs of one shape, which has to be known.",
                "Pass some inputs: export(network, path, example=inputs).",
            )
        example = torch.randn(CHECKED, network.input_width, generator=torch.Generator().manual_seed(0))
    example = example.to(network.device)
    read = alignment.read(network, example)  # whatever cannot work is said here
    try:
        program = torch.export.export(
            _Program(alignment, network), (example,), dynamic_shapes=({0: torch.export.Dim("row")},), strict=False
        )
    except Exception as error:  # torch has many ways to refuse a module of somebody's
        raise AlignmentError(
            f"The network cannot be exported: {type(error).__name__}: {str(error).splitlines()[0]}.",
            "torch.export has to follow it from the inputs to the site.",
            "Use `alignment.read`, or see what torch says of `torch.export.export` of the module alone.",
        ) from error
    written = io.BytesIO()
    torch.export.save(program, written)
    written.seek(0)
    _check(torch.export.load(written).module()(example), read)
    files.write(path, written.getvalue(), AlignmentError)


def _check(written: dict[str, tuple[Tensor, Tensor, Tensor]], read: dict[str, Reading]) -> None:
    """Raise `AlignmentError` where a program gives other values than the alignment does."""
    for name, reading in read.items():
        value, probability, features = written[name]
        if not torch.equal(value, reading.value) or not (
            torch.allclose(probability, reading.probability, atol=TOLERANCE)
            and torch.allclose(features, reading.features, rtol=TOLERANCE, atol=TOLERANCE)
        ):
            raise AlignmentError(
                f"The program reads {name!r} otherwise than the alignment does.",
                "Something in the network depends on more than its inputs.",
                "Use `alignment.read` in place of a program.",
            )


class _Program(torch.nn.Module):
    """What is exported."""

    def __init__(self, alignment: Alignment, network: AbstractNetworks) -> None:
        super().__init__()
        self._alignment, self._network = alignment, network
        like = torch.zeros(0, device=network.device)
        self._readers = {name: read_out.ready(like) for name, read_out in alignment.read_outs.items()}

    def forward(self, inputs: Float[Tensor, "batch ..."]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        hidden = self._network.activations(self._alignment.site, inputs)[0]
        found = self._alignment.frames.features(hidden)
        read = {}
        for name, own in zip(self._alignment.variables, found, strict=True):
            reading = self._readers[name].read(own)
            read[name] = (reading.value, reading.probability, reading.features)
        return read
