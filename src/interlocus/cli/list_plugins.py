"""The names that a study may use, for `interlocus list`. Nothing heavy is imported here."""

from __future__ import annotations

from interlocus.core.plugins import CONTROLS, EXECUTORS, FEATURIZERS, FIGURES, LOSSES, NETWORKS, STARTS, TASKS
from interlocus.studies.library import shipped_studies


def catalogue() -> dict[str, dict[str, str]]:
    """For each kind, such as "featurizers", its names with one line about each."""
    registries = {
        "tasks": TASKS,
        "networks": NETWORKS,
        "featurizers": FEATURIZERS,
        "starts": STARTS,
        "losses": LOSSES,
        "controls": CONTROLS,
        "executors": EXECUTORS,
        "figures": FIGURES,
    }
    registered = {
        kind: {name: entry.summary for name, entry in registry.entries().items()}
        for kind, registry in registries.items()
    }
    return {"studies": shipped_studies(), **registered}
