"""The base of everything that a person writes into a study file, and the types of its numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]
"""A whole number of at least 1."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A fraction from 0 to 1."""


class Spec(BaseModel):
    """A part of a study file: immutable, without unknown keys, and with finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
