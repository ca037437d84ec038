"""How much a search may cost, and how it goes about it: what a person writes into a study."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1)]

Share = Annotated[float, Field(ge=0, le=1)]


class Spec(BaseModel):
    """What a person writes: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
