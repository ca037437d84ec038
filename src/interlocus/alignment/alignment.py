"""Alignment: what a search found, as something that can be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment import storage as kept
from interlocus.alignment.dimensions import Size, parse_size
from interlocus.alignment.readout import Extraction, ReadOut, fit_read_out
from interlocus.causal.model import Values
from interlocus.core import tensor_files as files
from interlocus.core.display import AbstractDisplayable, Display
from interlocus.core.errors import AlignmentError, UnknownNameError
from interlocus.core.plugins import EXPORT
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames, NonlinearMap, in_use
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask, Split

READ_OUT_EXAMPLES = 16_384


@dataclass(frozen=True, kw_only=True, repr=False)
class Alignment(AbstractDisplayable):
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
    frames: Frames | NonlinearMap
    read_outs: Mapping[str, ReadOut] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Features of the variable that has most; others may have fewer, see `sizes`."""
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
        index = self._index(variable)
        return self._linear.write[index][in_use(self._linear)[index]].T

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
        """The same with read-outs, fitted to validation examples; their accuracy is measured on as many fresh ones.

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

        def view(split: Split) -> tuple[dict[str, Tensor], Values]:
            pool = task.draw_examples(
                examples, split=split, generator=derived_generator(seed, "read-out"), for_hypotheses=(self.hypothesis,)
            )
            rows = pool.rows(hypothesis)
            features = self.features(network, pool.inputs[rows].to(network.device))
            return features, {name: pool.values[name][rows] for name in self.variables}

        features, values = view("validation")
        fresh, truth = view("test")
        read_outs = {}
        for name in self.variables:
            read_out = fit_read_out(features[name], values[name])
            right = read_out.read(fresh[name]).value == truth[name].to(network.device)
            read_outs[name] = replace(read_out, accuracy=float(right.double().mean()))
        return replace(self, read_outs=read_outs)

    @property
    def read_accuracy(self) -> dict[str, float]:
        """For each variable the share of fresh examples on which its value is read right; empty before `fitted`.

        What is read right need not be used: the IIA, which `evaluate` measures, says whether it is.
        """
        return {name: read_out.accuracy for name, read_out in self.read_outs.items()}

    def read(self, network: AbstractNetworks, inputs: Float[Tensor, "batch ..."]) -> dict[str, Extraction]:
        """For each variable its value on some inputs, with a probability, and the features it is read from.

        Args:
            network: in which the alignment was found.
            inputs: what the network is shown.

        Raises:
            AlignmentError: another network, or nothing was fitted yet.
        """
        return self.reader(network)(inputs)

    def reader(self, network: AbstractNetworks) -> Callable[[Float[Tensor, "batch ..."]], dict[str, Extraction]]:
        """The same for inputs that come in many parts: whatever cannot work is said once.

        Args:
            network: in which the alignment was found.

        Raises:
            AlignmentError: another network, or nothing was fitted yet.
        """
        self.check(network)
        if not self.read_outs:
            raise AlignmentError(
                "The alignment has no read-out.",
                "It says where the variables are; which value they have is fitted to examples.",
                "Call `alignment.fitted(network, task)` first; of a number or a vector there are `alignment.features`.",
            )
        like = torch.zeros(0, device=network.device)  # what networks give of their sites is in single precision
        ready = {name: read_out.ready(like) for name, read_out in self.read_outs.items()}

        def read(inputs: Float[Tensor, "batch ..."]) -> dict[str, Extraction]:
            found = self.frames.features(_activations(network, self.site, inputs))
            return {name: ready[name].read(own) for name, own in zip(self.variables, found, strict=True)}

        return read

    def export(
        self, network: AbstractNetworks, path: str | Path, *, example: Float[Tensor, "batch ..."] | None = None
    ) -> None:
        """Write a program from inputs to the variables, which torch runs without this package.

        `torch.export.load(path).module()(inputs)` gives for each variable a tuple of value, probability and features,
        in a dictionary by name. What was written is loaded again and held against `read`.

        Args:
            network: in which the alignment was found.
            path: where it is written; usually `*.pt2`.
            example: some inputs, two or more; to be given where an input is more than a vector.

        Raises:
            AlignmentError: another network, no read-outs, a network that torch cannot export, or a folder that cannot
                be written.
        """
        EXPORT.load()(self, network, path, example)

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
        """Write to a safetensors file: the maps, read-outs where there are any, and what they belong to.

        Raises:
            AlignmentError: the file cannot be written.
        """
        files.write(path, save_alignments({self.size: self}), AlignmentError)

    @classmethod
    def load(cls, path: files.Source, *, size: int | str | None = None) -> Alignment:
        """Read an alignment.

        Args:
            path: a file that `save` wrote, or one of a run folder.
            size: which, where the file holds several: a number, or `4+2` where variables have unequally many features.

        Raises:
            AlignmentError: the file cannot be read, holds something else, or not that size.
        """
        return cls(**kept.read(path, None if size is None else parse_size(size)))

    def display(self) -> Display:
        """Its variables, with the features of each and how well its value is read."""
        sizes = ", ".join(map(str, self.sizes.values()))
        read = {name: f"{one.accuracy:.3f} ({one.method})" for name, one in self.read_outs.items()}
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

    def check(self, network: AbstractNetworks) -> None:
        """Raise `AlignmentError` where a network is not the one in which the alignment was found."""
        if len(network) != 1 or network.fingerprint() != self.network:
            raise AlignmentError.of_another_network(self.network, network.fingerprint())

    def _look(self, network: AbstractNetworks, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch width"]:
        self.check(network)
        return _activations(network, self.site, inputs)


def _activations(network: AbstractNetworks, site: str, inputs: Float[Tensor, "batch ..."]) -> Tensor:
    given: object = inputs
    if not isinstance(given, Tensor):
        raise AlignmentError(
            f"The inputs are a {type(given).__name__}.",
            "A network is shown torch tensors.",
            "Pass torch.as_tensor(inputs).",
        )
    with torch.no_grad():
        return network.activations(site, inputs)[0]


def save_alignments(alignments: Mapping[Size, Alignment]) -> bytes:
    """Alignments of one trial, by size, as the bytes of a safetensors file."""
    one = next(iter(alignments.values()))
    about = {name: value for name, value in vars(one).items() if name not in {"frames", "read_outs"}}
    return kept.to_bytes(about, {size: (own.frames, own.read_outs) for size, own in alignments.items()})
