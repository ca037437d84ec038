"""What there is, for `interlocus list`: nothing heavy is imported."""

from __future__ import annotations

from importlib import resources

import yaml

from interlocus.registry import EXECUTORS, FEATURIZERS, LOSSES, NETWORKS, STARTS, TASKS


def shipped_studies() -> dict[str, str]:
    """The shipped studies with their questions."""
    folder = resources.files("interlocus").joinpath("studies")
    names = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {name: yaml.safe_load(folder.joinpath(f"{name}.yaml").read_text())["title"] for name in names}


def catalogue() -> dict[str, dict[str, str]]:
    """For each kind its names with a line about each."""
    registries = {
        "tasks": TASKS,
        "networks": NETWORKS,
        "featurizers": FEATURIZERS,
        "starts": STARTS,
        "losses": LOSSES,
        "executors": EXECUTORS,
    }
    listed = {
        kind: {name: entry.summary for name, entry in registry.entries().items()}
        for kind, registry in registries.items()
    }
    return {"studies": shipped_studies(), **listed}
