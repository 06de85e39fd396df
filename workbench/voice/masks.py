"""Personal data in texts, masked before anything is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine
from workbench.errors import need_columns
from workbench.personal_data import masked
from workbench.results import analysis

if TYPE_CHECKING:
    import pandas as pd

    from workbench.types import Table


@engine.frames("texts", kept=True)
@analysis
def mask(texts: Table) -> pd.DataFrame:
    """Mask personal data in texts, before they are read or shown to anyone.

    Parameters
    ----------
    texts : table with text

    Returns
    -------
    DataFrame
        The table, in its text [email], [phone], [iban], [address], [name], [order], [number] and
        [url] for what was recognised: names where a salutation or greeting tells them, Dutch
        postcodes with and without a number. What no rule knows stays: a name in the middle of a
        sentence among it.

    Raises InputError without a column text.

    Source: categories of the General Data Protection Regulation, article 4 (1); the rules are ours.

    Examples
    --------
    >>> import pandas as pd
    >>> mask(pd.DataFrame({"text": ["Mail me at a.b@example.org, regards, Ann Lee"]}))["text"][0]
    'Mail me at [email], regards, [name]'
    """
    need_columns("texts", texts.columns, "text")
    return texts.assign(text=masked(texts["text"]))
