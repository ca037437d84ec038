"""Constructions: networks whose site holds a known code of which known combinations are read.

The networks of other recipes, which are trained until a variable lies somewhere, belong in the folder above.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from interlocus.controls.ground_truth.constructions.construction import CodeTruth, Construction, Status
from interlocus.controls.ground_truth.constructions.not_there import NOT_THERE
from interlocus.controls.ground_truth.constructions.partly_there import PARTLY_THERE
from interlocus.controls.ground_truth.constructions.there import THERE

CODED: Mapping[str, Construction] = MappingProxyType(
    {construction.name: construction for construction in (*THERE, *PARTLY_THERE, *NOT_THERE)}
)
"""All constructions by name."""

__all__ = ["CODED", "CodeTruth", "Construction", "Status"]
