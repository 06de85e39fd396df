"""What public functions take, for editors and type checkers; nothing here is needed to run."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Grouping", "Moment", "Table"]

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path
    from typing import Any, TypeAlias

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    # Relations of an engine and frames of Spark are tables too; only the engine knows their types.
    Table: TypeAlias = pd.DataFrame | pl.DataFrame | pl.LazyFrame | pa.Table | Path | str | Any
    Moment: TypeAlias = str | date | pd.Timestamp
    # A column, a group for each customer, or a Segment.
    Grouping: TypeAlias = str | pd.Series | Mapping[Any, Any] | Any
else:
    Table = Moment = Grouping = object


def __dir__():
    return __all__
