"""Results as tables of other libraries, which are imported when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interlocus.core.errors import SpecificationError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def import_optional(package: str, *, extra: str) -> Any:
    """An optional package.

    Args:
        package: its name when it is imported.
        extra: under which extra of this library it stands.

    Raises:
        SpecificationError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise SpecificationError(
            f"The package {package} is not installed.",
            "What is asked for is made with it, and nothing else here needs it.",
            f"Install it; pip install 'interlocus[{extra}]' does.",
        ) from None


def to_pandas(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A data frame with one line a mapping.

    Raises:
        SpecificationError: pandas is not installed.
    """
    return import_optional("pandas", extra="pandas").DataFrame.from_records([dict(row) for row in rows])


def to_xarray(rows: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> xr.Dataset:
    """A data set with one variable a column, over the axes; what is not among the rows is missing there.

    Args:
        rows: one for each place.
        axes: the columns that name a place; the values of each keep their order.

    Raises:
        SpecificationError: pandas or xarray is not installed.
    """
    import_optional("xarray", extra="xarray")
    frame = to_pandas(rows)
    order = {axis: list(frame[axis].unique()) for axis in axes}
    return frame.set_index(list(axes)).to_xarray().reindex(order)
