"""Alignment: what a search found, as something that can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus import files
from interlocus.errors import AlignmentError, UnknownNameError
from interlocus.featurizers import Frames, Warp
from interlocus.networks import AbstractNetworks

_FORMAT = "interlocus.alignment/1"


@dataclass(frozen=True, kw_only=True)
class Alignment:
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
    """

    site: str
    hypothesis: str
    variables: tuple[str, ...]
    featurizer: str
    network: str
    task: str
    frames: Frames | Warp

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
        self, network: AbstractNetworks, inputs: Float[Tensor, "batch input"]
    ) -> dict[str, Float[Tensor, "batch feature"]]:
        """The features of each variable on some inputs.

        Raises:
            AlignmentError: the network is not the one in which the alignment was found.
        """
        hidden = self._look(network, inputs)
        return dict(zip(self.variables, self.frames.features(hidden), strict=True))

    def write(
        self, network: AbstractNetworks, base: Float[Tensor, "batch input"], **sources: Float[Tensor, "batch input"]
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
        return network.run_from(self.site, self.frames.swap(hidden, states).unsqueeze(0))[0]

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
        parts = [name.split(".") for name in tensors]
        sizes = sorted({int(size) for _, size in parts})
        wanted = sizes[-1] if size is None and len(sizes) == 1 else size
        if wanted not in sizes:
            raise AlignmentError(
                f"The file {path} holds the sizes {sizes}, and {wanted} is asked for.",
                "An alignment has one size.",
                f"Pass size={sizes[-1]}, say.",
            )
        fields: dict[str, Any] = about["alignment"]
        own = {name: tensors[f"{name}.{size}"] for name, size in parts if int(size) == wanted}
        frames = Frames(**own) if "read" in own else Warp.from_tensors(own)
        variables = tuple(fields.pop("variables"))
        return cls(**fields, variables=variables, frames=frames)

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

    def _look(self, network: AbstractNetworks, inputs: Float[Tensor, "batch input"]) -> Float[Tensor, "batch width"]:
        if len(network) != 1 or network.fingerprint() != self.network:
            raise AlignmentError.of_another_network(self.network, network.fingerprint())
        with torch.no_grad():
            return network.activations(self.site, inputs)[0]


def save_alignments(alignments: Mapping[int, Alignment]) -> bytes:
    """Alignments of one trial, by size, as the bytes of a safetensors file."""
    tensors: dict[str, Tensor] = {}
    for size, alignment in alignments.items():
        tensors |= {f"{name}.{size}": tensor for name, tensor in alignment.frames.tensors().items()}
    one = next(iter(alignments.values()))
    fields = {name: value for name, value in vars(one).items() if name != "frames"}
    return files.to_bytes(tensors, {"format": _FORMAT, "alignment": fields})
