"""Load exported networks with torch and safetensors alone. This file is written beside them as `load.py`."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

FUNCTIONS = {"relu": torch.relu, "gelu": nn.functional.gelu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


class Perceptron:
    """A perceptron in two parts; site `layer3` is what the third layer gives, after its activation."""

    def __init__(self, tensors: dict[str, torch.Tensor], activation: str, site: str) -> None:
        self.layers = [(tensors[f"weight{i}"], tensors[f"bias{i}"]) for i in range(len(tensors) // 2)]
        self.activation = FUNCTIONS[activation]
        self.depth = 0 if site == "input" else int(site.removeprefix("layer"))

    def _run(self, value: torch.Tensor, first: int, end: int) -> torch.Tensor:
        for i in range(first, end):
            weight, bias = self.layers[i]
            value = value @ weight.T + bias
            value = self.activation(value) if i < len(self.layers) - 1 else value
        return value

    def to_site(self, inputs: torch.Tensor) -> torch.Tensor:
        """States at the site."""
        return self._run(inputs, 0, self.depth)

    def from_site(self, states: torch.Tensor) -> torch.Tensor:
        """Logits from states at the site."""
        return self._run(states, self.depth, len(self.layers))


class ExportedModule:
    """A torch module in two parts; its site is what the encoder gives."""

    def __init__(self, tensors: dict[str, torch.Tensor], body: str) -> None:
        from architectures import coded_module  # pyright: ignore[reportMissingImports]: the file beside this one

        self.module = coded_module(
            body,
            inputs=tensors["front.0.weight"].shape[1],
            features=tensors["front.2.weight"].shape[0],
            reads=tensors["reader.0.weight"].shape[0],
            classes=tensors["reader.2.out.weight"].shape[0],
        )
        self.module.load_state_dict(tensors)

    def to_site(self, inputs: torch.Tensor) -> torch.Tensor:
        """States at the site."""
        return self.module[1](self.module[0](inputs))

    def from_site(self, states: torch.Tensor) -> torch.Tensor:
        """Logits from states at the site."""
        return self.module[2](states)


def load(folder: str, name: str) -> Perceptron | ExportedModule:
    """Load one network.

    Args:
        folder: The exported folder.
        name: Identifier of the network, a key of `networks` in the manifest.
    """
    entry = json.loads((Path(folder) / "manifest.json").read_text())["networks"][name]
    tensors = load_file(Path(folder) / "networks" / f"{name}.safetensors")
    if "body" in entry:
        return ExportedModule(tensors, entry["body"])
    return Perceptron(tensors, entry["activation"], entry["site"])
