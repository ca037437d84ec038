"""Records: what is written as JSON is read back equal, and what does not fit its fields is refused."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import pytest

from interlocus.alignment.dimensions import Size, UnequalSize
from interlocus.core.json_record import JsonRecord, from_json, to_json


@dataclass(frozen=True, kw_only=True)
class Inner(JsonRecord):
    name: str
    shares: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Outer(JsonRecord):
    size: Size
    inner: tuple[Inner, ...]
    counts: dict[str, tuple[int, int]]
    note: str = ""


RECORD = Outer(
    size=UnequalSize("4+2"), inner=(Inner(name="a", shares=(0.5, None, 1.0)),), counts={"random": (1, 3)}, note="x"
)


def stored(value: object) -> object:
    """A value as it comes back from a file."""
    return json.loads(json.dumps(value))


def test_a_stored_record_is_read_back_equal_and_with_the_same_types():
    again = Outer.from_json(stored(RECORD.to_json()))
    assert again == RECORD
    assert isinstance(again.size, UnequalSize)
    assert isinstance(again.inner[0].shares, tuple)


def test_numbers_that_are_not_finite_are_kept():
    (nan, infinity) = Inner.from_json(stored(Inner(name="a", shares=(math.nan, math.inf)).to_json())).shares
    assert math.isnan(nan)
    assert infinity == math.inf


def test_a_missing_key_takes_the_default_and_an_unknown_one_is_ignored():
    data = {name: value for name, value in RECORD.to_json().items() if name != "note"} | {"later": 1}
    assert Outer.from_json(data) == Outer(size=RECORD.size, inner=RECORD.inner, counts=RECORD.counts)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("inner", None),
        ("inner", [{"name": "a"}]),
        ("counts", {"random": [1]}),
        ("counts", {"random": [1, "many"]}),
        ("size", [4]),
    ],
)
def test_a_value_of_another_type_is_refused(key, value):
    with pytest.raises(ValueError, match=key):
        Outer.from_json(RECORD.to_json() | {key: value})


def test_a_missing_key_without_a_default_is_refused():
    with pytest.raises(ValueError, match="counts"):
        Outer.from_json({name: value for name, value in RECORD.to_json().items() if name != "counts"})


def test_sizes_as_keys_become_sizes_again():
    kind, value = dict[str, dict[Size, float]], {"rotation": {1: 0.5, UnequalSize("2+1"): 0.25}}
    again = from_json(kind, stored(to_json(kind, value)))
    assert again == value
    assert [type(size) for size in again["rotation"]] == [int, UnequalSize]
