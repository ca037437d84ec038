"""Records as JSON: one way to write a dataclass of ours as plain values, and to read it back with its types checked."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, TypeAdapter

if TYPE_CHECKING:
    from typing import Self

JsonObject = dict[str, JsonValue]
"""What `json.loads` makes of a JSON object."""


class JsonRecord:
    """A base of dataclasses whose JSON object has one key for each field, under the field's name."""

    def to_json(self) -> JsonObject:
        """The fields as values that `json.dumps` accepts: tuples and arrays become lists, records become objects."""
        return _adapter(type(self)).dump_python(self, mode="json")

    @classmethod
    def from_json(cls, data: JsonObject) -> Self:
        """Rebuild the record from the values that `to_json` returned. Unknown keys are ignored.

        Args:
            data: A JSON object with a key for each field that has no default.

        Raises:
            ValueError: a key is missing, or its value has another type than the field.
        """
        return _adapter(cls).validate_python(data)


@cache
def _adapter(kind: type[JsonRecord]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
