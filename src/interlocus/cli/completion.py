"""What the shell completes: names and files. Nothing heavy is imported here, since every key press waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from interlocus.cli.list_plugins import catalogue
from interlocus.core.plugins import TASKS
from interlocus.studies.library import shipped_studies

Completion = tuple[str, str]
"""A word that the shell offers, and a description that it shows beside the word."""


def complete_studies(incomplete: str) -> list[Completion]:
    """Shipped studies, and specification files."""
    shipped = _matching(shipped_studies().items(), incomplete)
    return shipped + complete_files(incomplete, (".yaml", ".yml"))


def complete_tasks(incomplete: str) -> list[Completion]:
    """Tasks of the registry, and Python files, which may define tasks."""
    registered = _matching(((name, entry.summary) for name, entry in TASKS.entries().items()), incomplete)
    return registered + complete_files(incomplete, (".py",))


def complete_kinds(incomplete: str) -> list[Completion]:
    """Kinds of names that `interlocus list` can show."""
    return _matching(((kind, ", ".join(names)) for kind, names in catalogue().items()), incomplete)


def complete_devices(incomplete: str) -> list[Completion]:
    """Devices that searches can run on, whether this machine has them or not."""
    return _matching([("cpu", "the processor"), ("cuda", "the first GPU")], incomplete)


def complete_files(incomplete: str, endings: tuple[str, ...]) -> list[Completion]:
    """Files with one of the endings, and folders, that are not hidden.

    Args:
        incomplete: What is typed so far, a relative or absolute path.
        endings: Endings of file names, with their dots.
    """
    typed = Path(incomplete)
    folder, prefix = (typed, "") if incomplete.endswith("/") else (typed.parent, typed.name)
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        (str(path) + ("/" if path.is_dir() else ""), "")
        for path in paths
        if path.name.startswith(prefix) and not path.name.startswith(".") and (path.is_dir() or path.suffix in endings)
    ]


def _matching(completions: Iterable[Completion], incomplete: str) -> list[Completion]:
    return [(word, description) for word, description in completions if word.startswith(incomplete)]
