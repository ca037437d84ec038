"""Stacks of multilayer perceptrons of one architecture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core import tensor_files as files
from interlocus.core.errors import NetworkError, SpecificationError
from interlocus.core.progress import OnProgress, ignore_progress
from interlocus.core.threads import one_thread
from interlocus.networks._base import AbstractNetworks
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.mlp.suffix import MLPSuffix
from interlocus.networks.mlp.training import (
    RECIPES,
    MLPTraining,
    Parameters,
    Recipe,
    initial_parameters,
    stack_parameters,
)
from interlocus.networks.site import INPUT_SITE
from interlocus.tasks import AbstractTask

COMPETENT_ACCURACY = 0.99
"""A network below this accuracy after training is trained again from other initial parameters."""
MAX_TRAINING_ATTEMPTS = 3
"""Training runs of one network; after the last the most accurate one is kept."""
_FORMAT = "interlocus.mlp/1"


class MLP(AbstractNetworks):
    """Multilayer perceptrons `linear → activation → … → linear`, stacked along a first axis.

    The sites are `input`, and `layer1`, `layer2`, … after each activation.

    Args:
        weights: The weight of each layer, `[network, out, in]`.
        biases: The bias of each layer, `[network, out]`.
        activation: The activation between two layers: `relu`, `sigmoid`, `tanh` or `gelu` (exact, not approximated).

    Raises:
        UnknownNameError: There is no such activation.
    """

    def __init__(self, weights: Sequence[Tensor], biases: Sequence[Tensor], *, activation: str) -> None:
        self.weights, self.biases, self.activation = tuple(weights), tuple(biases), activation
        self._activation = find_activation(activation)

    @classmethod
    def train(
        cls,
        task: AbstractTask,
        *,
        hidden: Sequence[int] = (16, 16, 16),
        activation: str = "relu",
        count: int = 10,
        weight_decay: float = 0.01,
        recipe: Recipe | None = None,
        seed: int = 0,
        on_progress: OnProgress = ignore_progress,
    ) -> MLP:
        """Train several networks at once.

        A network whose test accuracy stays below .99 is trained again from other initial parameters, at most twice.
        The most accurate of its three versions is kept.

        Args:
            task: The task to learn.
            hidden: Widths of the hidden layers; `(16, 16)` gives two. Each at least 1.
            activation: The activation between two layers: `relu`, `sigmoid`, `tanh` or `gelu`.
            count: The number of networks, at least 1.
            weight_decay: Weight decay of AdamW, on weights and biases.
            recipe: Learning rate, number of steps and initial scale; by default `RECIPES[activation]`. With
                `recipe.until`, accuracy is still judged after all steps.
            seed: Seed of initial parameters and training examples. Network i is the same for every `count`.
            on_progress: Called with the finished share of each training run, so it restarts at 0 with a new attempt.

        Raises:
            UnknownNameError: There is no such activation.
            SpecificationError: `count` or a hidden width is below 1.
            NetworkError: Training diverged to infinite parameters.
        """
        find_activation(activation)
        recipe = recipe or RECIPES[activation]
        widths = _widths(task, hidden, count)
        best: dict[int, tuple[float, MLP]] = {}
        weak = list(range(count))
        for attempt in range(MAX_TRAINING_ATTEMPTS):
            initial = [
                initial_parameters(widths, gain=recipe.gain, seed=seed, network=i, restart=attempt) for i in weak
            ]
            training = MLPTraining(
                task=task, activation=activation, recipe=recipe, weight_decay=weight_decay, seed=seed + attempt
            )
            trained, returned = cls._run(training, stack_parameters(initial), on_progress)
            accuracy = dict(zip(weak, trained.accuracy(task, seed=seed), strict=True))
            for row, i in enumerate(weak):
                if i not in best or accuracy[i] > best[i][0]:
                    best[i] = accuracy[i], returned[row]
            weak = [i for i in weak if accuracy[i] < COMPETENT_ACCURACY]
            if not weak:
                break
        return cls.stacked([best[i][1] for i in range(count)])

    @classmethod
    def _run(cls, training: MLPTraining, initial: Parameters, on_progress: OnProgress) -> tuple[MLP, MLP]:
        """The networks after all steps, and those after `until` steps: the same where no such step is named."""
        saved: list[Parameters] = []

        def save(step: int, parameters: Parameters) -> None:
            if step == training.recipe.until:
                weights, biases = ([tensor.clone() for tensor in side] for side in parameters)
                saved.append((weights, biases))

        with one_thread():
            trained = training.run(initial, on_progress=on_progress, on_step=save)
        returned = saved[0] if saved else trained
        return cls(*trained, activation=training.activation), cls(*returned, activation=training.activation)

    @classmethod
    def untrained(
        cls,
        task: AbstractTask,
        *,
        hidden: Sequence[int] = (16, 16, 16),
        activation: str = "relu",
        count: int = 10,
        seed: int = 0,
    ) -> MLP:
        """The initial networks of `train` for the same arguments.

        Raises:
            UnknownNameError: There is no such activation.
            SpecificationError: `count` or a hidden width is below 1.
        """
        find_activation(activation)
        widths = _widths(task, hidden, count)
        gain = RECIPES[activation].gain
        initial = [initial_parameters(widths, gain=gain, seed=seed, network=i) for i in range(count)]
        return cls(*stack_parameters(initial), activation=activation)

    def untrained_copies(self, count: int, *, seed: int) -> Sequence[MLP]:
        widths = (self.input_width, *(weight.shape[1] for weight in self.weights))
        gain = RECIPES[self.activation].gain
        initial = (initial_parameters(widths, gain=gain, seed=seed, network=i) for i in range(count))
        return [MLP(*parameters, activation=self.activation) for parameters in initial]

    def __len__(self) -> int:
        return len(self.weights[0])

    def __getitem__(self, index: int) -> MLP:
        position = range(len(self))[index]  # an index out of range raises here
        only = slice(position, position + 1)
        return MLP([w[only] for w in self.weights], [b[only] for b in self.biases], activation=self.activation)

    def select(self, indices: Sequence[int]) -> MLP:
        rows = list(indices)
        return MLP([w[rows] for w in self.weights], [b[rows] for b in self.biases], activation=self.activation)

    @classmethod
    def stacked(cls, networks: Sequence[MLP]) -> MLP:
        """Networks of one architecture as one stack, in the given order."""
        parts = [(list(network.weights), list(network.biases)) for network in networks]
        return cls(*stack_parameters(parts), activation=networks[0].activation)

    @property
    def sites(self) -> Mapping[str, int]:
        hidden = {f"layer{i}": weight.shape[2] for i, weight in enumerate(self.weights[1:], start=1)}
        return {INPUT_SITE: self.weights[0].shape[2], **hidden}

    def prepare(self, inputs: Float[Tensor, "batch input"]) -> None:
        if inputs.shape[1:] != (self.input_width,):
            raise NetworkError(
                f"Each input has {'×'.join(map(str, inputs.shape[1:])) or 'no'} numbers.",
                f"The networks take vectors of {self.input_width} numbers.",
                "Pass the task that they were trained on.",
            )

    @property
    def classes(self) -> int:
        return self.weights[-1].shape[1]

    @property
    def input_width(self) -> int:
        return self.weights[0].shape[2]

    @property
    def parameters(self) -> int:
        return sum(tensor.numel() for tensor in (*self.weights, *self.biases))

    @property
    def device(self) -> torch.device:
        return self.weights[0].device

    def __call__(self, inputs: Float[Tensor, "batch input"]) -> Float[Tensor, "network batch class"]:
        return self.logits(inputs).transpose(1, 2)

    def logits(self, inputs: Float[Tensor, "batch input"]) -> Float[Tensor, "network class batch"]:
        """Logits with the batch last, differentiable by torch."""
        value = inputs.T.expand(len(self), -1, -1)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            value = torch.baddbmm(bias.unsqueeze(2), weight, self._activation.function(value) if i else value)
        return value

    def activations(self, site: str, inputs: Float[Tensor, "batch input"]) -> Float[Tensor, "network batch width"]:
        self.width(site)
        self.prepare(inputs)
        value = inputs.expand(len(self), -1, -1)
        for i in range(list(self.sites).index(site)):
            value = self._activation.function(
                torch.baddbmm(self.biases[i].unsqueeze(1), value, self.weights[i].transpose(1, 2))
            )
        return value

    def run_from(
        self,
        site: str,
        activations: Float[Tensor, "network batch width"],
        inputs: Float[Tensor, "batch input"] | None = None,
    ) -> Float[Tensor, "network batch class"]:
        self.width(site)
        value = activations
        for i in range(list(self.sites).index(site), len(self.weights)):
            value = torch.baddbmm(self.biases[i].unsqueeze(1), value, self.weights[i].transpose(1, 2))
            if i < len(self.weights) - 1:
                value = self._activation.function(value)
        return value

    def suffix(self, site: str) -> MLPSuffix:
        self.width(site)
        first = list(self.sites).index(site)
        return MLPSuffix(weights=self.weights[first:], biases=self.biases[first:], activation=self._activation)

    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.activation.encode())
        for tensor in (*self.weights, *self.biases):
            digest.update(str(tuple(tensor.shape)).encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def to(self, device: str | torch.device) -> MLP:
        return MLP(
            [w.to(device) for w in self.weights], [b.to(device) for b in self.biases], activation=self.activation
        )

    def save(self, path: str | Path) -> None:
        """Write the networks to a safetensors file, which `MLP.load` reads."""
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        tensors = {f"weight{i}": tensor for i, tensor in enumerate(self.weights)}
        tensors |= {f"bias{i}": tensor for i, tensor in enumerate(self.biases)}
        return files.to_bytes(tensors, {"format": _FORMAT, "activation": self.activation})

    @classmethod
    def load(cls, source: files.Source) -> MLP:
        """Read a file that `save` wrote.

        Args:
            source: Path of the file, or the file in memory.

        Raises:
            NetworkError: The file is missing, damaged, or has another format.
        """
        tensors, description = files.read(source, _FORMAT, NetworkError, "MLP.save")
        layers = range(len(tensors) // 2)
        if set(tensors) != {f"{kind}{i}" for kind in ("weight", "bias") for i in layers}:
            raise NetworkError(
                f"The file {source} holds {', '.join(sorted(tensors))}.",
                "Every layer needs a weight and a bias, and one of them is missing.",
                "Save the networks again with `MLP.save`.",
            )
        weights, biases = [tensors[f"weight{i}"] for i in layers], [tensors[f"bias{i}"] for i in layers]
        return cls(weights, biases, activation=description["activation"])


def _widths(task: AbstractTask, hidden: Sequence[int], count: int) -> tuple[int, ...]:
    """Widths of all layers, from the input to the classes."""
    if count < 1 or any(width < 1 for width in hidden):
        raise SpecificationError(
            f"The request is for {count} networks with hidden widths {tuple(hidden)}.",
            "There must be at least one network, and each hidden layer needs at least one unit.",
            "Raise `count` or the widths in `hidden` to 1 or more.",
        )
    return (task.input_width, *hidden, task.classes)
