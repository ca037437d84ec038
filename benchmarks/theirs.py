"""pyvene's side: hierarchical equality as in its tutorial on distributed alignment search."""

from __future__ import annotations

import contextlib
import io
import logging
import random
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import torch

import interlocus as il
from benchmarks.ours import SITE, TASK
from interlocus.featurizers import Frames
from interlocus.networks import MLP

WIDTH = TASK.item_width
Kind = Literal["left", "right", "double"]
Batch = dict[str, torch.Tensor]
_KINDS = {"left": 0, "right": 1, "double": 2}
_PAIRS = {"WX": ("W", "X"), "YZ": ("Y", "Z")}


def available() -> bool:
    """Whether pyvene is installed."""
    return find_spec("pyvene") is not None


def _load() -> Any:
    """Import the package, and suppress what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        import pyvene
    return pyvene


def _filler() -> np.ndarray:
    return np.zeros(WIDTH)


def causal_model() -> Any:
    """The tutorial's causal model; equivalence classes are not used, since items are continuous."""
    inputs, hidden = ["W", "X", "Y", "Z"], ["WX", "YZ"]
    return _load().CausalModel(
        [*inputs, *hidden, "O"],
        {**{key: [_filler()] for key in inputs}, **{name: [True, False] for name in [*hidden, "O"]}},
        {**{name: [] for name in inputs}, "WX": ["W", "X"], "YZ": ["Y", "Z"], "O": hidden},
        {
            **dict.fromkeys(inputs, _filler),
            **dict.fromkeys(hidden, lambda x, y: np.array_equal(x, y)),
            "O": lambda x, y: x == y,
        },
        pos=dict.fromkeys([*inputs, *hidden, "O"], (0, 0)),
    )


def _sample(output_var: str | None = None, output_var_value: bool = False) -> dict[str, np.ndarray]:
    """The tutorial's sampler, with the Gaussian items the networks were trained on."""
    values = {}
    for name, (first, second) in _PAIRS.items():
        equal = output_var_value if name == output_var else random.random() < 0.5  # noqa: S311 - as in the tutorial
        values[first] = np.random.randn(WIDTH)
        values[second] = values[first] if equal else np.random.randn(WIDTH)
    return values


def _intervention_id(intervention: dict[str, Any]) -> int:
    if "WX" in intervention and "YZ" in intervention:
        return _KINDS["double"]
    return _KINDS["left" if "WX" in intervention else "right"]


def generate(model: Any, count: int, batch: int, *, kind: Kind | None = None) -> list:
    """Counterfactual examples; each batch exchanges the same variables, drawn in equal shares if `kind` is `None`."""

    def wanted(intervention: dict[str, Any]) -> bool:
        return kind is None or _intervention_id(intervention) == _KINDS[kind]

    return model.generate_counterfactual_dataset(count, _intervention_id, batch, sampler=_sample, filter=wanted)


def seed(number: int) -> None:
    """Seed the global generators, from which pyvene draws."""
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def collate(examples: list) -> Batch:
    """One batch of the tutorial's loader."""
    batch: Batch = torch.utils.data.default_collate(examples)
    batch["input_ids"] = batch["input_ids"].unsqueeze(1)
    batch["source_input_ids"] = batch["source_input_ids"].unsqueeze(2)
    return batch


def perceptron(network: MLP) -> Any:
    """The same parameters in pyvene's own perceptron."""
    _load()
    from pyvene.models.mlp.modelings_mlp import MLPConfig, MLPForClassification

    width, depth = network.width(SITE), len(network.sites) - 1
    model = MLPForClassification(
        MLPConfig(h_dim=width, activation_function="relu", n_layer=depth, num_classes=TASK.classes, pdrop=0.0)
    )
    layers = [block.ff1 for block in model.mlp.h] + [model.score]
    with torch.no_grad():
        for layer, weight, bias in zip(layers, network.weights, network.biases, strict=True):
            layer.weight.copy_(weight[0])
            layer.bias.copy_(bias[0])
    return model


class Search:
    """One search, step by step, as the tutorial makes them (`use_fast`, Adam, one rotation for both variables)."""

    def __init__(self, network: MLP, *, rate: float, number: int = 0, site: str = SITE) -> None:
        pyvene, self._network, self._site = _load(), network, site
        seed(number)
        model = perceptron(network)
        place = pyvene.RepresentationConfig(
            list(network.sites).index(site) - 1,
            "block_output",
            "pos",
            1,
            subspace_partition=None,
            intervention_link_key=0,
        )
        config = pyvene.IntervenableConfig(
            model_type=type(model),
            representations=[place, place],
            intervention_types=pyvene.RotatedSpaceIntervention,
        )
        logging.disable(logging.WARNING)  # it warns of `use_fast` each time, which the tutorial uses
        self._model = pyvene.IntervenableModel(config, model, use_fast=True)
        logging.disable(logging.NOTSET)
        self._model.disable_model_gradients()
        first = next(iter(self._model.interventions.values()))
        self._rotation = (first[0] if isinstance(first, tuple) else first).rotate_layer
        self._optimizer = torch.optim.Adam(self._rotation.parameters(), lr=rate)
        self._loss = torch.nn.CrossEntropyLoss()

    def step(self, batch: Batch) -> None:
        """Forward, loss, backward, step."""
        outputs = self._answer(batch)
        self._loss(outputs, batch["labels"].squeeze().to(torch.long)).backward()
        self._optimizer.step()
        self._model.set_zero_grad()

    def _answer(self, batch: Batch) -> torch.Tensor:
        count, width = len(batch["labels"]), self._network.width(self._site)
        at, half = [[0]] * count, width // 2
        left, right = [list(range(half))] * count, [list(range(half, width))] * count
        sources = [{"inputs_embeds": batch["source_input_ids"][:, v]} for v in range(2)]
        kind = int(batch["intervention_id"][0])
        if kind == _KINDS["double"]:
            asked, places, blocks = sources, [at, at], [left, right]
        elif kind == _KINDS["left"]:
            asked, places, blocks = [sources[0], None], [at, None], [left, None]
        else:
            asked, places, blocks = [None, sources[0]], [None, at], [None, right]
        base = {"inputs_embeds": batch["input_ids"]}
        return self._model(base, asked, {"sources->base": (places, places)}, subspaces=blocks)[1][0]

    def alignment(self) -> il.Alignment:
        """The directions that were found, as an alignment of Interlocus."""
        with torch.no_grad():
            directions = self._rotation.weight.T.reshape(2, -1, self._network.width(self._site)).contiguous().clone()
        return il.Alignment(
            site=self._site, hypothesis="both", variables=("left", "right"), featurizer="rotation",
            network=self._network.fingerprint(), task=TASK.name, frames=Frames(read=directions, write=directions),
        )  # fmt: skip
