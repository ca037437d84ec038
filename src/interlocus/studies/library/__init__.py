"""The shipped studies, one YAML file each, and their titles.

Reading a study belongs in `studies.spec`.
"""

from importlib import resources

import yaml

__all__ = ["shipped_studies", "shipped_text"]


def shipped_studies() -> dict[str, str]:
    """The title of each shipped study, by its name, in alphabetical order."""
    names = sorted(entry.name for entry in resources.files(__name__).iterdir() if entry.name.endswith(".yaml"))
    return {
        name.removesuffix(".yaml"): yaml.safe_load(shipped_text(name.removesuffix(".yaml")))["title"] for name in names
    }


def shipped_text(name: str) -> str:
    """The YAML text of a shipped study."""
    return resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
