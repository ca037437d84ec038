"""The class `Alignment`: maps from activations of a site to the variables of a hypothesis, for one network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment import storage
from interlocus.alignment.dimensions import Size, parse_size
from interlocus.alignment.readout import Extraction, ReadOut
from interlocus.alignment.readout_fitting import fit_to_task
from interlocus.core import tensor_files
from interlocus.core.display import AbstractDisplayable, Display
from interlocus.core.errors import AlignmentError, UnknownNameError
from interlocus.featurizers import Frames, NonlinearMap, in_use
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

READ_OUT_EXAMPLES = 16_384
"""Examples to which read-outs are fitted by default, and on which their accuracy is measured."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Alignment(AbstractDisplayable):
    """Maps from the activations of one site to features of the variables of a hypothesis, for one network.

    Args:
        site: Name of the site.
        hypothesis: Name of the hypothesis.
        variables: Names of its variables, in the order of the maps.
        featurizer: Name of the featurizer of the maps.
        network: Fingerprint of the network to which the maps belong.
        task: Name of the task that the network solves.
        frames: The maps. Linear maps are two tensors `[variable, feature, width]`: the features of activations h are
            `read @ h`, and an interchange adds `writeᵀ (read (h_source − h))` to the activations h of the base. Other
            maps are a `NonlinearMap`, which holds the parameters.
        read_outs: For each variable the map from its features to its value; empty before `fitted`.
    """

    site: str
    hypothesis: str
    variables: tuple[str, ...]
    featurizer: str
    network: str
    task: str
    frames: Frames | NonlinearMap
    read_outs: Mapping[str, ReadOut] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Largest number of features of a variable; see `sizes` for all of them."""
        return max(self.frames.sizes)

    @property
    def sizes(self) -> dict[str, int]:
        """Number of features of each variable."""
        return dict(zip(self.variables, self.frames.sizes, strict=True))

    def basis(self, variable: str) -> Float[Tensor, "width feature"]:
        """The directions that an interchange of a variable writes to; orthonormal for orthonormal featurizers.

        Raises:
            UnknownNameError: the alignment has no such variable.
            AlignmentError: its maps are not linear.
        """
        index = self._index(variable)
        return self._linear.write[index][in_use(self._linear)[index]].T

    def projection_norm(self, variable: str) -> float:
        """‖P‖₂ of the projection P = Wᵀ R that an interchange of a variable applies to the difference of states.

        The norm is 1 if the variable is read from the directions that it is written to, and larger the more oblique
        the projection is: then an interchange magnifies parts of the state that do not belong to the variable. Scaling
        the features does not change it.

        Raises:
            UnknownNameError: the alignment has no such variable.
            AlignmentError: its maps are not linear.
        """
        index = self._index(variable)
        read, write = (part[index].double() for part in self._linear)
        # orthonormal columns do not change a norm, so the triangles of two QR decompositions suffice
        return float(torch.linalg.matrix_norm(torch.linalg.qr(write.T).R @ torch.linalg.qr(read.T).R.T, 2))

    @property
    def condition(self) -> float:
        """Condition number of the read directions of all variables together; 1 if they are orthonormal.

        Unlike `projection_norm` it depends on the scale of the features, which does not affect interchanges.
        """
        rows = self._linear.read.flatten(0, 1).double()
        used = rows[(rows != 0).any(1)]
        return float(torch.linalg.cond(used)) if len(used) else float("nan")

    def features(
        self, network: AbstractNetworks, inputs: Float[Tensor, "batch ..."]
    ) -> dict[str, Float[Tensor, "batch feature"]]:
        """The features of each variable on given inputs.

        Args:
            network: The one network to which the alignment belongs.
            inputs: Inputs of the network, one per row.

        Raises:
            AlignmentError: the alignment belongs to another network.
        """
        hidden = self._checked_activations(network, inputs)
        return dict(zip(self.variables, self.frames.features(hidden), strict=True))

    def fitted(
        self, network: AbstractNetworks, task: AbstractTask, *, examples: int = READ_OUT_EXAMPLES, seed: int = 0
    ) -> Alignment:
        """The same alignment with read-outs, which map the features of each variable to its value.

        Read-outs are fitted to examples of the validation split. Their accuracy is measured on as many test examples.

        Args:
            network: The one network to which the alignment belongs.
            task: The task that the network solves.
            examples: Number of examples of each split; every value needs 40 of them.
            seed: Seed of the examples.

        Raises:
            AlignmentError: the alignment belongs to another network, or a variable is continuous or has fewer than two
                values that occur often enough.
        """
        read_outs = fit_to_task(
            task,
            task.hypothesis(self.hypothesis),
            self.variables,
            lambda inputs: self.features(network, inputs.to(network.device)),
            examples=examples,
            seed=seed,
        )
        return replace(self, read_outs=read_outs)

    @property
    def read_accuracy(self) -> dict[str, float]:
        """For each variable the share of test examples on which its value is read out correctly; empty before `fitted`.

        A value that can be read out need not be used by the network: that is measured by the IIA, see `evaluate`.
        """
        return {name: read_out.accuracy for name, read_out in self.read_outs.items()}

    def extract(self, network: AbstractNetworks, inputs: Float[Tensor, "batch ..."]) -> dict[str, Extraction]:
        """The value of each variable on given inputs, with its probability and its features.

        Args:
            network: The one network to which the alignment belongs.
            inputs: Inputs of the network, one per row.

        Raises:
            AlignmentError: the alignment belongs to another network, or has no read-outs yet.
        """
        return self.extractor(network)(inputs)

    def extractor(self, network: AbstractNetworks) -> Callable[[Float[Tensor, "batch ..."]], dict[str, Extraction]]:
        """A function that does the work of `extract`, for inputs that arrive in many parts.

        The checks are made once, and the read-outs are prepared once.

        Raises:
            AlignmentError: the alignment belongs to another network, or has no read-outs yet.
        """
        self.check(network)
        if not self.read_outs:
            raise AlignmentError(
                "The alignment has no read-outs.",
                "Its maps give features; a read-out, which is fitted to examples, gives values.",
                "Call `alignment.fitted(network, task)` first, or use `alignment.features` for continuous variables.",
            )
        like = torch.zeros(0, device=network.device)  # activations are in single precision
        prepared = {name: read_out.prepare(like) for name, read_out in self.read_outs.items()}

        def extract(inputs: Float[Tensor, "batch ..."]) -> dict[str, Extraction]:
            features = self.frames.features(_activations(network, self.site, inputs))
            return {name: prepared[name].read(part) for name, part in zip(self.variables, features, strict=True)}

        return extract

    def intervene(
        self, network: AbstractNetworks, base: Float[Tensor, "batch ..."], **sources: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch class"]:
        """Logits of the base inputs after an interchange: variables take the values that they have on source inputs.

        Args:
            network: The one network to which the alignment belongs.
            base: Base inputs, one per row.
            sources: Source inputs of each variable that is exchanged, with the shape of `base`:
                `alignment.intervene(network, base, left=source)`.

        Raises:
            AlignmentError: the alignment belongs to another network, or sources and bases differ in shape.
            UnknownNameError: the alignment has no such variable.
        """
        hidden = self._checked_activations(network, base)
        states = {}
        for name, inputs in sources.items():
            index = self._index(name)
            if inputs.shape != base.shape:
                raise AlignmentError(
                    f"The sources of {name!r} have shape {tuple(inputs.shape)}, the bases {tuple(base.shape)}.",
                    "Each base takes the value of one source.",
                    "Pass as many sources as bases.",
                )
            states[index] = self._checked_activations(network, inputs)
        return network.run_from(self.site, self.frames.swap(hidden, states).unsqueeze(0), base)[0]

    def save(self, path: str | Path) -> None:
        """Write maps, read-outs and the names to which they belong to a safetensors file; an old file is replaced.

        Raises:
            AlignmentError: the file cannot be written.
        """
        tensor_files.write(path, alignments_to_bytes({self.size: self}), AlignmentError)

    @classmethod
    def load(cls, path: tensor_files.Source, *, size: int | str | None = None) -> Alignment:
        """Read an alignment from a file.

        Args:
            path: A file from `save`, or from the folder `alignments` of a run.
            size: The size to read from a file with several: a number, or `4+2` for unequal numbers of features. It may
                be left out if the file has one size.

        Raises:
            AlignmentError: the file cannot be read, is damaged, or does not contain the size.
        """
        return cls(**storage.read_fields(path, None if size is None else parse_size(size)))

    def display(self) -> Display:
        """A table of the variables, with their features and the accuracy of their read-outs."""
        sizes = ", ".join(map(str, self.sizes.values()))
        read = {name: f"{read_out.accuracy:.3f} ({read_out.method})" for name, read_out in self.read_outs.items()}
        return Display(
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
            notes=(f"Hypothesis {self.hypothesis} of the task {self.task}.",),
        )

    @property
    def _linear(self) -> Frames:
        if not isinstance(self.frames, Frames):
            raise AlignmentError(
                f"The featurizer {self.featurizer!r} of the alignment is not linear.",
                "Only linear maps have directions and a projection.",
                "Use `alignment.features` or `alignment.intervene`, or search with a linear featurizer.",
            )
        return self.frames

    def _index(self, variable: str) -> int:
        if variable not in self.variables:
            raise UnknownNameError("variable", variable, self.variables, "this alignment")
        return self.variables.index(variable)

    def check(self, network: AbstractNetworks) -> None:
        """Raise `AlignmentError` if the alignment belongs to another network."""
        if len(network) != 1 or network.fingerprint() != self.network:
            raise AlignmentError.of_another_network(self.network, network.fingerprint())

    def _checked_activations(
        self, network: AbstractNetworks, inputs: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch width"]:
        self.check(network)
        return _activations(network, self.site, inputs)


def _activations(network: AbstractNetworks, site: str, inputs: object) -> Float[Tensor, "batch width"]:
    if not isinstance(inputs, Tensor):
        raise AlignmentError(
            f"The inputs are of type {type(inputs).__name__}.",
            "Networks take torch tensors.",
            "Pass torch.as_tensor(inputs).",
        )
    with torch.no_grad():
        return network.activations(site, inputs)[0]


def alignments_to_bytes(alignments: Mapping[Size, Alignment]) -> bytes:
    """The bytes of a safetensors file with several sizes of one trial.

    Args:
        alignments: Alignments by size, at least one; they differ in maps and read-outs only.
    """
    return storage.fields_to_bytes({size: storage.Fields(**vars(alignment)) for size, alignment in alignments.items()})
