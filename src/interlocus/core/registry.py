"""Registries: names for what is interchangeable, such as tasks, featurizers, starts and executors.

A registry knows each plug-in's name, summary and location. A plug-in's module is imported only when it is used, so
listing all of them is cheap. Other packages add plug-ins by an entry point in the group `interlocus.<plural>`: its name
is the plug-in's name, its value `module:attribute`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from interlocus.core.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class PluginEntry:
    """Where to load a plug-in from.

    Args:
        target: `"module:attribute"`, where the attribute is a class or a function.
        summary: One line for people, as `interlocus list` prints it.
        arguments: Keyword arguments that this name stands for, where several names share one class.
    """

    target: str
    summary: str
    arguments: Mapping[str, object] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the module and return the attribute, as a `partial` where the entry has arguments."""
        module, attribute = self.target.split(":")
        loaded = getattr(importlib.import_module(module), attribute)
        return partial(loaded, **self.arguments) if self.arguments else loaded


class Registry:
    """All plug-ins of one kind, by name.

    Args:
        kind: The kind in the singular, for messages (`"task"`).
        built_in: The plug-ins of this library. A plug-in of another package cannot replace one of them.
        plural: The kind in the plural, for the entry-point group; by default with an added s.
    """

    def __init__(self, kind: str, built_in: Mapping[str, PluginEntry], *, plural: str | None = None) -> None:
        self.kind, self.plural = kind, plural or f"{kind}s"
        self._built_in = dict(built_in)

    def entries(self) -> dict[str, PluginEntry]:
        """All plug-ins by name, those of other packages first."""
        third_party = {
            point.name: PluginEntry(
                target=point.value, summary=f"from {point.dist.name if point.dist else 'another package'}"
            )
            for point in entry_points(group=f"interlocus.{self.plural}")
        }
        return third_party | self._built_in

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries())

    def get(self, name: str) -> Any:
        """Load the plug-in of that name.

        Args:
            name: A built-in name, or the name of an entry point.

        Raises:
            UnknownNameError: there is no plug-in of that name.
        """
        if name in self._built_in:  # without looking through all installed packages, which is slow
            return self._built_in[name].load()
        entries = self.entries()
        if name not in entries:
            raise UnknownNameError(self.kind, name, entries)
        return entries[name].load()
