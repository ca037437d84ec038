"""What there is, for `interlocus list`: nothing heavy is imported."""

from __future__ import annotations

from interlocus.core.plugins import EXECUTORS, FEATURIZERS, LOSSES, NETWORKS, STARTS, TASKS
from interlocus.studies.library import shipped_studies


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
