"""Alignment: what a search found, as something that can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus import files
from interlocus.display import AbstractShown, Shown
from interlocus.errors import AlignmentError, UnknownNameError
from interlocus.featurizers import Frames, Warp
from interlocus.networks import AbstractNetworks
from interlocus.readout import Reading, ReadOut, fit_read_out
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask

READ_OUT_EXAMPLES = 16_384
_FORMAT = "interlocus.alignment/1"


@dataclass(frozen=True, kw_only=True, repr=False)
class Alignment(AbstractShown):
    """Directions of a site that hold the variables of a hypothesis in one network.

    Args:
        site: where.
        hypothesis: the name of the hypothesis.
        variables: its variables, in the order of the maps.
        featurizer: the class of maps in which it was found.
        network: the fingerprint of the network.
        task: the name of the task.
        frames: the maps. Linear ones are `[variable, feature, width]` each: features are `read @ h`, and an interchange
            adds `writeᵀ (read (h_source − h))` to the base's activations h. Those that are not linear keep parameters.
        read_outs: for each variable how its value is read from its features, where that was fitted.
    """

    site: str
    hypothesis: str
    variables: tuple[str, ...]
    featurizer: str
    network: str
    task: str
    frames: Frames | Warp
    read_outs: Mapping[str, ReadOut] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Features of the variable that has most; where sizes are learned, variables may differ: see `sizes`."""
        return max(self.frames.sizes)

    @property
    def sizes(self) -> dict[str, int]:
        """How many features each variable has."""
        return dict(zip(self.variables, self.frames.sizes, strict=True))

    def basis(self, variable: str) -> Float[Tensor, "width feature"]:
        """The directions that a variable is written to; orthonormal where the featurizer's maps are.

        Raises:
            UnknownNameError: the alignment has no such variable.
            AlignmentError: its maps are not linear.
        """
        return self._linear.write[self._index(variable)].T

    def projection_norm(self, variable: str) -> float:
        """‖P‖₂ of the projection P = Wᵀ R that an interchange of a variable applies to the difference of states.

        It is 1 where directions are read and written alike, and larger the more oblique they are: so much a part of the
        state that the variable is not about is magnified. Rescaling features does not change it.

        Raises:
            UnknownNameError: the alignment has no such variable.
            AlignmentError: its maps are not linear.
        """
        index = self._index(variable)
        read, write = (part[index].double() for part in self._linear)
        # of the triangles only, since orthonormal columns have no part in a norm
        return float(torch.linalg.matrix_norm(torch.linalg.qr(write.T).R @ torch.linalg.qr(read.T).R.T, 2))

    @property
    def condition(self) -> float:
        """The condition number of what all variables read together; 1 where features are orthonormal.

        Unlike `projection_norm` it changes when features are rescaled, which no interchange notices.
        """
        rows = self._linear.read.flatten(0, 1).double()
        used = rows[(rows != 0).any(1)]
        return float(torch.linalg.cond(used)) if len(used) else float("nan")

    def features(
        self, network: AbstractNetworks, inputs: Float[Tensor, "batch ..."]
    ) -> dict[str, Float[Tensor, "batch feature"]]:
        """The features of each variable on some inputs.

        Raises:
            AlignmentError: the network is not the one in which the alignment was found.
        """
        hidden = self._look(network, inputs)
        return dict(zip(self.variables, self.frames.features(hidden), strict=True))

    def fitted(
        self, network: AbstractNetworks, task: AbstractTask, *, examples: int = READ_OUT_EXAMPLES, seed: int = 0
    ) -> Alignment:
        """The same with read-outs, fitted to validation examples.

        Args:
            network: in which the alignment was found.
            task: what it solves.
            examples: how many.
            seed: decides on them.

        Raises:
            AlignmentError: another network, a continuous variable, or one without two values that occur.
        """
        hypothesis = task.hypothesis(self.hypothesis)
        continuous = [name for name in self.variables if hypothesis.model.variables[name].values is None]
        if continuous:
            raise AlignmentError(
                f"The variable {continuous[0]!r} is a number or a vector.",
                "A read-out says which of several values a variable has.",
                "Use `alignment.features(network, inputs)`, which gives its features.",
            )
        pool = task.pool(examples, split="validation", generator=stream(seed, "read-out"), own_of=(self.hypothesis,))
        rows = pool.examples(hypothesis)
        features = self.features(network, pool.inputs[rows].to(network.device))
        read_outs = {name: fit_read_out(features[name], pool.values[name][rows]) for name in self.variables}
        return replace(self, read_outs=read_outs)

    def read(self, network: AbstractNetworks, inputs: Float[Tensor, "batch ..."]) -> dict[str, Reading]:
        """For each variable its value on some inputs, with a probability, and the features it is read from.

        Args:
            network: in which the alignment was found.
            inputs: what the network is shown.

        Raises:
            AlignmentError: another network, or nothing was fitted yet.
        """
        if not self.read_outs:
            raise AlignmentError(
                "The alignment has no read-out.",
                "It says where the variables are; which value they have is fitted to examples.",
                "Call `alignment.fitted(network, task)` first.",
            )
        features = self.features(network, inputs)
        return {name: read_out.to(features[name]).read(features[name]) for name, read_out in self.read_outs.items()}

    def write(
        self, network: AbstractNetworks, base: Float[Tensor, "batch ..."], **sources: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch class"]:
        """Logits for the base inputs when variables take the value that they have on other inputs.

        Args:
            network: in which the alignment was found.
            base: inputs.
            sources: for each variable that is swapped the inputs it comes from, as many as bases:
                `alignment.write(network, base, left=source)`.

        Raises:
            AlignmentError: another network, or sources that are not as many as bases.
            UnknownNameError: the alignment has no such variable.
        """
        hidden = self._look(network, base)
        states = {}
        for name, inputs in sources.items():
            index = self._index(name)
            if inputs.shape != base.shape:
                raise AlignmentError(
                    f"The sources of {name!r} have shape {tuple(inputs.shape)}, the bases {tuple(base.shape)}.",
                    "Each base takes the value of one source.",
                    "Pass as many sources as bases.",
                )
            states[index] = self._look(network, inputs)
        return network.run_from(self.site, self.frames.swap(hidden, states).unsqueeze(0), base)[0]

    def save(self, path: str | Path) -> None:
        """Write to a safetensors file."""
        Path(path).write_bytes(save_alignments({self.size: self}))

    @classmethod
    def load(cls, path: str | Path, *, size: int | None = None) -> Alignment:
        """Read an alignment.

        Args:
            path: a file that `save` wrote, or one of a run folder.
            size: which, where the file holds several.

        Raises:
            AlignmentError: the file cannot be read, holds something else, or not that size.
        """
        tensors, about = files.read(path, _FORMAT, AlignmentError, "Alignment.save")
        parts = [name.split(".") for name in tensors if not name.startswith("read_out.")]
        sizes = sorted({int(size) for _, size in parts})
        wanted = sizes[-1] if size is None and len(sizes) == 1 else size
        if wanted not in sizes:
            raise AlignmentError(
                f"The file {path} holds the sizes {sizes}, and {wanted or 'none of them'} is asked for.",
                "An alignment has one size.",
                f"Pass size={sizes[-1]}, say.",
            )
        fields: dict[str, Any] = about["alignment"]
        own = {name: tensors[f"{name}.{size}"] for name, size in parts if int(size) == wanted}
        frames = Frames(**own) if "read" in own else Warp.from_tensors(own)
        variables = tuple(fields.pop("variables"))
        read_outs = {
            name: ReadOut(**_under(tensors, f"read_out.{wanted}.{name}."), **kept)
            for name, kept in about.get("read_outs", {}).get(str(wanted), {}).items()
        }
        return cls(**fields, variables=variables, frames=frames, read_outs=read_outs)

    def shown(self) -> Shown:
        """Its variables, with the features of each and how well its value is read."""
        sizes = ", ".join(map(str, self.sizes.values()))
        read = {name: f"{one.accuracy:.3f} ({one.method})" for name, one in self.read_outs.items()}
        return Shown(
            title=f"{', '.join(self.variables)} at {self.site} in {sizes} features ({self.featurizer}), "
            f"network {self.network}",
            columns=("variable", "features", "norm of the projection", "accuracy of the read-out"),
            rows=[
                (
                    name,
                    str(size),
                    f"{self.projection_norm(name):.2f}" if isinstance(self.frames, Frames) and size else "–",
                    read.get(name, "not fitted"),
                )
                for name, size in self.sizes.items()
            ],
            notes=(f"Found for the hypothesis {self.hypothesis} of the task {self.task}.",),
        )

    @property
    def _linear(self) -> Frames:
        if not isinstance(self.frames, Frames):
            raise AlignmentError(
                f"The alignment is one of the featurizer {self.featurizer!r}, which is not linear.",
                "Only linear maps have directions and a projection.",
                "Ask for its features, or for what is written.",
            )
        return self.frames

    def _index(self, variable: str) -> int:
        if variable not in self.variables:
            raise UnknownNameError("variable", variable, self.variables, "this alignment")
        return self.variables.index(variable)

    def _look(self, network: AbstractNetworks, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch width"]:
        if len(network) != 1 or network.fingerprint() != self.network:
            raise AlignmentError.of_another_network(self.network, network.fingerprint())
        with torch.no_grad():
            return network.activations(self.site, inputs)[0]


def save_alignments(alignments: Mapping[int, Alignment]) -> bytes:
    """Alignments of one trial, by size, as the bytes of a safetensors file."""
    tensors: dict[str, Tensor] = {}
    read_outs: dict[str, dict[str, Any]] = {}
    for size, alignment in alignments.items():
        tensors |= {f"{name}.{size}": tensor for name, tensor in alignment.frames.tensors().items()}
        for name, read_out in alignment.read_outs.items():
            own, read_outs.setdefault(str(size), {})[name] = read_out.to_tensors()
            tensors |= {f"read_out.{size}.{name}.{part}": tensor for part, tensor in own.items()}
    one = next(iter(alignments.values()))
    fields = {name: value for name, value in vars(one).items() if name not in {"frames", "read_outs"}}
    return files.to_bytes(tensors, {"format": _FORMAT, "alignment": fields, "read_outs": read_outs})


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
