"""Tables of results for pandas and xarray, which are optional and imported only when they are used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interlocus.core.errors import SpecificationError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def import_optional(package: str, *, extra: str) -> Any:
    """Import an optional package.

    Args:
        package: Name under which the package is imported, for instance `"pandas"`.
        extra: The extra of Interlocus that installs it (`pip install 'interlocus[extra]'`).

    Raises:
        SpecificationError: the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise SpecificationError(
            f"The package {package} is not installed.",
            "This result is made with it; the rest of Interlocus works without it.",
            f"Install it, for instance with: pip install 'interlocus[{extra}]'.",
        ) from None


def to_pandas(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """A data frame with one row for each mapping.

    Args:
        rows: Values by column name. A column that a mapping lacks is missing (NaN) in that row.

    Raises:
        SpecificationError: pandas is not installed.
    """
    return import_optional("pandas", extra="pandas").DataFrame.from_records([dict(row) for row in rows])


def to_xarray(rows: Sequence[Mapping[str, object]], axes: Sequence[str]) -> xr.Dataset:
    """A data set with the given axes, and one variable for each other column.

    Args:
        rows: Values by column name; no two rows may agree in all axes. A combination of coordinates without a row is
            missing (NaN) in the data set.
        axes: Columns that become dimensions, in this order. Coordinates keep the order in which they first occur.

    Raises:
        SpecificationError: pandas or xarray is not installed.
    """
    import_optional("xarray", extra="xarray")
    frame = to_pandas(rows)
    order = {axis: list(frame[axis].unique()) for axis in axes}
    return frame.set_index(list(axes)).to_xarray().reindex(order)
