"""What the ongoing visit is known by."""

import numpy as np


def other_campaign(c, new, none):
    """Return the rows whose campaign is another than that of the visit they would continue.

    A visit has the campaign named last in it, or none while none is named: the first one named in a
    visit that began without one is another, too. `new` are the rows that begin a visit anyway.
    """
    rows = np.arange(len(c))
    named = c != none
    last = np.maximum.accumulate(np.where(named, rows, -1))
    before = np.concatenate([[-1], last[:-1]])
    begin = np.maximum.accumulate(np.where(new, rows, 0))
    known = before >= begin  # a campaign was named in this visit before this row
    return named & ~new & (~known | (c != c[np.maximum(before, 0)]))
