"""Dataclasses as JSON: written as plain values, and read back with the types of all fields checked.

pydantic does both from the annotations, so a record is described once: by the fields of its dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

JsonValue = str | int | float | bool | Sequence[object] | Mapping[str, object] | None
"""A value that `json.dumps` accepts. Numbers may be infinite or not a number."""
JsonObject = dict[str, JsonValue]
"""What `json.loads` returns for a JSON object."""

Self = TypeVar("Self", bound="JsonRecord")


class JsonRecord:
    """A base of dataclasses whose JSON object has one key for each field, with the name of the field."""

    def to_json(self) -> JsonObject:
        """The fields as values that `json.dumps` accepts: tuples become lists, records become objects."""
        return _adapter(type(self)).dump_python(self, mode="json")

    @classmethod
    def from_json(cls: type[Self], data: JsonObject) -> Self:
        """Read a record from the values that `to_json` returned. Unknown keys are ignored.

        Args:
            data: A JSON object with a key for each field that has no default.

        Raises:
            ValueError: A key is missing, or a value has another type than its field.
        """
        return _adapter(cls).validate_python(data)


def to_json(kind: object, value: object) -> JsonValue:
    """A value as plain values that `json.dumps` accepts.

    Args:
        kind: Type of the value, for instance a dataclass or `dict[str, float]`.
        value: The value to convert.
    """
    return _adapter(kind).dump_python(value, mode="json")


def from_json(kind: object, data: object) -> Any:
    """Read a value from the plain values that `to_json` returned.

    Args:
        kind: Type of the value.
        data: The plain values, after JSON stored them.

    Raises:
        ValueError: A value has another type than `kind` says.
    """
    return _adapter(kind).validate_python(data)


_adapter = cache(TypeAdapter[Any])
