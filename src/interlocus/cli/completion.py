"""What the shell completes: names that there are, and files. Nothing heavy is imported, since a key was pressed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from interlocus.cli.list_plugins import catalogue, shipped_studies
from interlocus.core.plugins import TASKS

Choice = tuple[str, str]
"""A word, and what the shell says about it."""


def complete_studies(incomplete: str) -> list[Choice]:
    """Shipped studies, and specifications that lie about."""
    shipped = _beginning(shipped_studies().items(), incomplete)
    return shipped + complete_files(incomplete, (".yaml", ".yml"))


def complete_tasks(incomplete: str) -> list[Choice]:
    """Tasks of the registry, and files with tasks of one's own."""
    known = _beginning(((name, entry.summary) for name, entry in TASKS.entries().items()), incomplete)
    return known + complete_files(incomplete, (".py",))


def complete_kinds(incomplete: str) -> list[Choice]:
    """What can be listed."""
    return _beginning(((kind, ", ".join(names)) for kind, names in catalogue().items()), incomplete)


def complete_devices(incomplete: str) -> list[Choice]:
    """Where searches can run; whether this machine has it is not looked up."""
    return _beginning([("cpu", "this processor"), ("cuda", "the first GPU")], incomplete)


def complete_files(incomplete: str, endings: tuple[str, ...]) -> list[Choice]:
    """Files with one of the endings, and folders on the way to them."""
    given = Path(incomplete)
    folder, begun = (given, "") if incomplete.endswith("/") else (given.parent, given.name)
    try:
        there = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        (str(path) + ("/" if path.is_dir() else ""), "")
        for path in there
        if path.name.startswith(begun) and not path.name.startswith(".") and (path.is_dir() or path.suffix in endings)
    ]


def _beginning(words: Iterable[Choice], incomplete: str) -> list[Choice]:
    return [(word, about) for word, about in words if word.startswith(incomplete)]
