"""Export the battery for any tool: networks as safetensors, tasks with examples, and no truth."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor

from interlocus.causal.model import CausalModel
from interlocus.controls.ground_truth.constructions import architectures
from interlocus.core.errors import RunFolderError
from interlocus.core.json_record import JsonObject
from interlocus.core.random import derived_generator
from interlocus.core.tensor_files import to_bytes
from interlocus.networks import MLP, AbstractNetworks, Module
from interlocus.studies.calibration import exported_loader
from interlocus.studies.calibration.battery import BATTERY_VERSION, SEALED_SEED, Scale, battery
from interlocus.studies.calibration.truth import NetworkTruth, architecture_of
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study

EXAMPLES = 20_000
MANIFEST = "manifest.json"
README = """# Networks of known truth

Each entry of `manifest.json` is one network with a task, a hypothesis and a site. Is each variable of the hypothesis
held at the site and read by the rest of the network? `load.py` loads a network with torch and safetensors alone:

    from load import load
    network = load(".", "<id>")          # reads manifest.json and networks/<id>.safetensors
    state = network.to_site(inputs)      # [example, width]
    logits = network.from_site(state)    # [example, class]

`tasks/<task>.safetensors` holds examples: `inputs`, `class`, and the value of each variable. An interchange gives the
base the value that a variable has in a source; the label is the class that then follows in the causal model, by
`mechanism` in the manifest, from the values of the variables that `parents` names.

Write one word for each network and variable to a JSON or CSV file, and score it:

    interlocus battery score answers.json{options}
"""


def exported_ids(truths: Iterable[NetworkTruth], *, seed: int) -> dict[tuple[str, str], str]:
    """Identifiers that do not show the construction, by the names of network and site.

    Args:
        truths: The truth of all networks.
        seed: Seed of the battery.
    """
    return {
        (truth.network, truth.site): "n"
        + hashlib.sha256(repr((BATTERY_VERSION, seed, truth.network, truth.site)).encode()).hexdigest()[:10]
        for truth in truths
    }


def export_battery(
    folder: str | Path,
    *,
    scale: Scale = "whole",
    seed: int = SEALED_SEED,
    on_progress: Callable[[float], None] = lambda share: None,
) -> Path:
    """Make the networks of the battery and write them without their truth.

    Args:
        folder: A new folder.
        scale: `whole` or `small`.
        seed: Seed of everything that is drawn.
        on_progress: Called with the share that is done, from 0 to 1.

    Returns:
        Path of the manifest.

    Raises:
        RunFolderError: The folder exists and is not empty.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise RunFolderError(f"The folder {folder} is not empty.", "Its files would be mixed.", "Pass a new folder.")
    planned = battery(scale=scale, seed=seed)
    ids = exported_ids(planned.truths, seed=seed)
    for name in ("networks", "tasks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    entries: dict[str, JsonObject] = {}
    groups = [(name, study, group) for name, study in planned.studies.items() for group in study.networks]
    for number, (name, study, group) in enumerate(groups):
        made = group.source.make(
            study.task.build(),
            count=group.count,
            trained=group.trained,
            seed=study.seed,
            on_progress=lambda share: None,
        )
        for network, one in zip(group.networks, made, strict=True):
            for site in group.at:
                entries[ids[network, site]] = _entry(name, study, group, one, site)
                content = to_bytes(_tensors(one), {"format": "interlocus.battery/1"})
                (folder / "networks" / f"{ids[network, site]}.safetensors").write_bytes(content)
        on_progress((number + 1) / len(groups))
    tasks = {name: _task(folder, name, study) for name, study in planned.studies.items()}
    manifest = {
        "battery": BATTERY_VERSION,
        "scale": scale,
        "seed": seed,
        "tasks": tasks,
        "networks": {name: entries[name] for name in sorted(entries)},  # an order that does not show the construction
    }
    options = f"{' --small' if scale == 'small' else ''}{'' if seed == SEALED_SEED else f' --seed {seed}'}"
    (folder / "README.md").write_text(README.replace("{options}", options))
    (folder / "load.py").write_text(inspect.getsource(exported_loader))
    (folder / "architectures.py").write_text(inspect.getsource(architectures))
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    return path


def _entry(name: str, study: Study, group: NetworkGroup, network: AbstractNetworks, site: str) -> JsonObject:
    hypothesis = study.task.build().hypothesis(study.asked)
    form: JsonObject = {"body": group.ground_truth.body} if group.ground_truth and group.ground_truth.body else {}
    if isinstance(network, MLP):
        form = {"activation": network.activation}
    return {
        "task": name,
        "hypothesis": hypothesis.name,
        "variables": list(hypothesis.variables),
        "site": site,
        "width": network.width(site),
        "architecture": architecture_of(group),
        **form,
    }


def _tensors(network: AbstractNetworks) -> dict[str, Tensor]:
    """Parameters by plain names: `weight0`, `bias0`, … of a perceptron, the state of a module."""
    if isinstance(network, MLP):
        weights = {f"weight{i}": tensor[0].contiguous() for i, tensor in enumerate(network.weights)}
        return weights | {f"bias{i}": tensor[0].contiguous() for i, tensor in enumerate(network.biases)}
    assert isinstance(network, Module)
    return dict(network.module.state_dict())


def _task(folder: Path, name: str, study: Study) -> JsonObject:
    """Write examples of a task, and describe its causal model."""
    task = study.task.build()
    model = task.hypothesis(study.asked).model
    drawn = task.sample(EXAMPLES, split="test", generator=derived_generator(study.seed, "exported", name))
    values = {key: value for key, value in model.run(drawn).items() if key in model.variables}
    tensors = {"inputs": task.encode(drawn), "class": values[model.output]}
    tensors |= {f"value.{key}": value for key, value in values.items() if model.variables[key].values is not None}
    content = to_bytes({key: value.contiguous() for key, value in tensors.items()}, {"format": "interlocus.battery/1"})
    (folder / "tasks" / f"{name}.safetensors").write_bytes(content)
    return {
        "output": model.output,
        "classes": task.classes,
        "variables": {key: _variable(model, key) for key in model.discrete},
    }


def _variable(model: CausalModel, name: str) -> JsonObject:
    """Values and parents of a variable, and its mechanism where all parents are discrete: rows of parents and value."""
    variable = model.variables[name]
    parents = [model.variables[parent].values for parent in variable.parents]
    described: JsonObject = {"values": list(variable.values or ()), "parents": list(variable.parents)}
    declared = [torch.tensor(values) for values in parents if values is not None]
    if variable.mechanism is not None and len(declared) == len(parents):
        rows = torch.cartesian_prod(*declared).view(-1, len(parents))
        results = variable.mechanism(*rows.T)
        described["mechanism"] = [[*row, int(result)] for row, result in zip(rows.tolist(), results, strict=True)]
    return described
