"""Multi-layer perceptrons, many of one architecture at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core import tensor_files as files
from interlocus.core.errors import NetworkError, SpecificationError
from interlocus.core.threads import one_thread
from interlocus.networks._base import AbstractNetworks
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.mlp.suffix import MLPSuffix
from interlocus.networks.mlp.training import RECIPES, Parameters, Recipe, initial, stack, train_perceptrons
from interlocus.tasks import AbstractTask

COMPETENT = 0.99
"""The accuracy below which a trained network is drawn again."""
ATTEMPTS = 3
_FORMAT = "interlocus.mlp/1"


class MLP(AbstractNetworks):
    """Perceptrons `linear → activation → … → linear`, stacked along a first axis.

    Args:
        weights: for each layer `[network, out, in]`.
        biases: for each layer `[network, out]`.
        activation: `relu`, `sigmoid`, `tanh` or `gelu` (the exact one), between the layers.

    Sites are `input`, and `layer1`, `layer2`, … after each activation.
    """

    def __init__(self, weights: Sequence[Tensor], biases: Sequence[Tensor], *, activation: str) -> None:
        self.weights, self.biases, self.activation = tuple(weights), tuple(biases), activation
        self._function = find_activation(activation)

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
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> MLP:
        """Train several networks at once.

        A network that stays under an accuracy of .99 on fresh examples is begun again from another draw, twice at most;
        then the best of its draws is kept.

        Args:
            task: what they learn.
            hidden: widths of the hidden layers.
            activation: between the layers.
            count: how many networks.
            weight_decay: of AdamW.
            recipe: learning rate, steps and initial gain; by default what works for the activation. With `until` these
                are the networks that the whole recipe gives, as they are after so many of its steps.
            seed: decides on first parameters and examples. Network i is the same whatever `count` is.
            progress: is told steps done and steps in all, for each round of training.
        """
        find_activation(activation)
        recipe = recipe or RECIPES[activation]
        widths = _widths(task, hidden, count)
        begin = {i: initial(widths, gain=recipe.gain, seed=seed, network=i) for i in range(count)}
        trained: dict[int, Parameters] = {}
        best: dict[int, float] = {}
        on_the_way: list[Parameters] = []

        def on_validation(step: int, parameters: Parameters) -> None:
            if step == recipe.until:
                weights, biases = ([tensor.clone() for tensor in side] for side in parameters)
                on_the_way.append((weights, biases))

        for restart in range(1, ATTEMPTS + 1):
            with one_thread():
                parameters = train_perceptrons(
                    stack(list(begin.values())),
                    find_activation(activation),
                    task,
                    recipe,
                    weight_decay=weight_decay,
                    seed=seed + restart - 1,
                    progress=progress,
                    on_validation=on_validation,
                )
            accuracy = cls(*parameters, activation=activation).accuracy(task, seed=seed)
            networks = cls(*(on_the_way or [parameters])[-1], activation=activation)
            for row, i in enumerate(begin):
                if i not in trained or accuracy[row] > best[i]:
                    trained[i], best[i] = networks[row]._parameters, accuracy[row]
            weak = [i for row, i in enumerate(begin) if accuracy[row] < COMPETENT]
            if not weak:
                break
            begin = {i: initial(widths, gain=recipe.gain, seed=seed, network=i, restart=restart) for i in weak}
        return cls(*stack([trained[i] for i in range(count)]), activation=activation)

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
        """The networks from which `train` would begin."""
        find_activation(activation)
        widths = _widths(task, hidden, count)
        gain = RECIPES[activation].gain
        return cls(
            *stack([initial(widths, gain=gain, seed=seed, network=i) for i in range(count)]), activation=activation
        )

    def untrained_copies(self, count: int, *, seed: int) -> Sequence[MLP]:
        widths = (self.input_width, *(weight.shape[1] for weight in self.weights))
        gain = RECIPES[self.activation].gain
        begun = (initial(widths, gain=gain, seed=seed, network=i) for i in range(count))
        return [MLP(*parameters, activation=self.activation) for parameters in begun]

    def __len__(self) -> int:
        return len(self.weights[0])

    def __getitem__(self, index: int) -> MLP:
        rows = range(len(self))[index]  # an index out of range raises here
        one = slice(rows, rows + 1)
        return MLP([w[one] for w in self.weights], [b[one] for b in self.biases], activation=self.activation)

    def select(self, indices: Sequence[int]) -> MLP:
        rows = list(indices)
        return MLP([w[rows] for w in self.weights], [b[rows] for b in self.biases], activation=self.activation)

    @classmethod
    def stacked(cls, networks: Sequence[MLP]) -> MLP:
        """Several networks of one architecture as one stack."""
        parts = [network._parameters for network in networks]
        return cls(*stack(parts), activation=networks[0].activation)

    @property
    def _parameters(self) -> Parameters:
        return list(self.weights), list(self.biases)

    @property
    def sites(self) -> Mapping[str, int]:
        hidden = {f"layer{i}": weight.shape[2] for i, weight in enumerate(self.weights[1:], start=1)}
        return {"input": self.weights[0].shape[2], **hidden}

    def prepare(self, inputs: Float[Tensor, "batch input"]) -> None:
        if inputs.shape[1:] != (self.input_width,):
            raise NetworkError(
                f"The inputs have {'×'.join(map(str, inputs.shape[1:])) or 'no'} numbers each.",
                f"The networks were made for {self.input_width}.",
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
        """Logits with the batch last, differentiable."""
        value = inputs.T.expand(len(self), -1, -1)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            value = torch.baddbmm(bias.unsqueeze(2), weight, self._function.function(value) if i else value)
        return value

    def activations(self, site: str, inputs: Float[Tensor, "batch input"]) -> Float[Tensor, "network batch width"]:
        self.width(site)
        self.prepare(inputs)
        value = inputs.expand(len(self), -1, -1)
        for i in range(list(self.sites).index(site)):
            value = self._function.function(
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
                value = self._function.function(value)
        return value

    def suffix(self, site: str) -> MLPSuffix:
        self.width(site)
        behind = list(self.sites).index(site)
        return MLPSuffix(weights=self.weights[behind:], biases=self.biases[behind:], activation=self._function)

    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.activation.encode())
        for tensor in (*self.weights, *self.biases):
            digest.update(str(tuple(tensor.shape)).encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def to(self, device: str | torch.device) -> MLP:
        """The same networks on another device."""
        return MLP(
            [w.to(device) for w in self.weights], [b.to(device) for b in self.biases], activation=self.activation
        )

    def save(self, path: str | Path) -> None:
        """Write parameters to a safetensors file."""
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """What `save` writes."""
        tensors = {f"weight{i}": tensor for i, tensor in enumerate(self.weights)}
        tensors |= {f"bias{i}": tensor for i, tensor in enumerate(self.biases)}
        return files.to_bytes(tensors, {"format": _FORMAT, "activation": self.activation})

    @classmethod
    def load(cls, path: files.Source) -> MLP:
        """Read what `save` wrote.

        Raises:
            NetworkError: the file is missing, damaged, or holds something else.
        """
        tensors, about = files.read(path, _FORMAT, NetworkError, "MLP.save")
        layers = range(len(tensors) // 2)
        if set(tensors) != {f"{kind}{i}" for kind in ("weight", "bias") for i in layers}:
            raise NetworkError(
                f"The file {path} holds {', '.join(sorted(tensors))}.",
                "Each layer needs its weight and its bias.",
                "Save the networks again.",
            )
        weights, biases = [tensors[f"weight{i}"] for i in layers], [tensors[f"bias{i}"] for i in layers]
        return cls(weights, biases, activation=about["activation"])


def _widths(task: AbstractTask, hidden: Sequence[int], count: int) -> tuple[int, ...]:
    if count < 1 or any(width < 1 for width in hidden):
        raise SpecificationError(
            f"{count} networks with hidden widths {tuple(hidden)} are asked for.",
            "There is nothing to train.",
            "Ask for at least one network, and one unit a layer.",
        )
    return (task.input_width, *hidden, task.classes)
