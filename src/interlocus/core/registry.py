"""Names for what is interchangeable: tasks, featurizers, starts, executors.

A registry knows a name, a line about it and where it lives; the module is imported when it is asked for, so listing
what there is costs nothing. Third parties add to it by an entry point in the group `interlocus.<kind>s`, whose name is
the name and whose value is `module:attribute`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from interlocus.core.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class PluginEntry:
    """One name of a registry.

    Args:
        target: `"module:attribute"`.
        summary: one line for people.
        arguments: what the attribute is called with under this name, where one class answers to several names.
    """

    target: str
    summary: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the module and return the attribute, with its arguments where there are any."""
        module, attribute = self.target.split(":")
        loaded = getattr(importlib.import_module(module), attribute)
        return partial(loaded, **self.arguments) if self.arguments else loaded


class Registry:
    """Names of one kind.

    Args:
        kind: the kind in the singular, as it stands in messages.
        shipped: what the library itself brings.
        plural: of the kind, where that is not formed with an s.
    """

    def __init__(self, kind: str, shipped: dict[str, PluginEntry], *, plural: str | None = None) -> None:
        self.kind, self.plural = kind, plural or f"{kind}s"
        self._shipped = shipped

    def entries(self) -> dict[str, PluginEntry]:
        """All names with their entries; the shipped ones first and never overridden."""
        foreign = {
            point.name: PluginEntry(
                target=point.value, summary=f"from {point.dist.name if point.dist else 'elsewhere'}"
            )
            for point in entry_points(group=f"interlocus.{self.plural}")
        }
        return foreign | self._shipped

    def __iter__(self):
        return iter(self.entries())

    def get(self, name: str) -> Any:
        """The object of that name.

        Raises:
            UnknownNameError: nothing has this name.
        """
        if name in self._shipped:  # looking at what is installed takes long
            return self._shipped[name].load()
        entries = self.entries()
        if name not in entries:
            raise UnknownNameError(self.kind, name, entries)
        return entries[name].load()
