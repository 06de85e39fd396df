"""Sentences that several analyses of this room share."""

from workbench.notes import Note
from workbench.retention.grouping import nearest_to_different

FIRST_SEEN = Note(
    "retention.first_seen",
    "A first purchase is the first one in these data; earlier ones are unknown.",
)
ON_OR_AFTER = Note(
    "retention.on_or_after",
    "'On or after' looks ahead to the end of the data: the higher the age and the younger the "
    "cohort, the less time was left to return. Do not compare cohorts on it.",
)
ASSOCIATIONAL = Note(
    "retention.associational",
    "Associations, with the other terms held equal; what was not measured may explain both.",
)
KAPLAN_MEIER = Note("retention.kaplan_meier", "Kaplan–Meier with log–log intervals.")
TIME = Note("retention.time_axis_plain", "Time")
TOO_SMALL = Note(
    "retention.group_answer_none",
    "The groups are too small to be compared ({n} customers at most at one age).",
)
SHARE_ACTIVE = Note("retention.share_active", "Share active")


def immature(n, window):
    """Say how many customers were not followed for the whole window."""
    return Note(
        "retention.immature",
        "{window:span}: {n} customer was followed too briefly and is left out.",
        "{window:span}: {n} customers were followed too briefly and are left out.",
        n=int(n),
        window=window,
    )


def left_out(n):
    """Say how many rows lack a value, where some do."""
    note = Note(
        "retention.rows_left_out",
        "{n} row with a missing value is left out.",
        "{n} rows with missing values are left out.",
        n=int(n),
    )
    return [note] if n else []


def medians(found, time="days"):
    """Say the median of every group, as `survival.by_group` gives them."""
    return [
        (
            Note(
                "retention.median",
                "Median, {group:word}: {median} {time:header} ({low} to {high}).",
                group=group,
                median=median,
                low=low,
                high=high,
                time=time,
            )
            if median == median
            else Note("retention.median_not", "Median, {group:word}: not reached.", group=group)
        )
        for group, median, low, high in found
    ]


def interval(row):
    """Return the values every answer on a share needs: share, limits, count and n."""
    return {
        "share": float(row["estimate"]),
        "low": float(row["conf_low"]),
        "high": float(row["conf_high"]),
        "count": int(row["count"]) if row["count"] == row["count"] else 0,
        "n": int(row["n"]),
    }


def last_known(table, least=10):
    """Return the last row with enough units to be shown, else the last of all."""
    enough = table[(table["n"] >= least) & table["estimate"].notna()]
    return (enough if len(enough) else table).iloc[-1]


def largest_difference(table, conf_level):
    """Say which group differs most clearly from all others, and at which age, or that none does."""
    known = table[table["p_holm"].notna()]
    if not len(known):
        return TOO_SMALL.having(n=int(table["n"].max()))
    row = nearest_to_different(known)
    at = row["age"] if isinstance(row["age"], str) else int(row["age"])
    values = {"group": str(row["group"]), "age": at, "p": float(row["p_holm"]), **interval(row)}
    if row["p_holm"] < 1 - conf_level:
        return Note(
            "retention.group_answer",
            "Group {group:word} differs most clearly from the others, at age {age}: {share:%} "
            "active ({low:%} to {high:%}; {count} of {n}; corrected p: {p:p}).",
            **values,
        )
    return Note(
        "retention.group_answer_same",
        "No difference between groups could be shown; nearest to one is group {group:word} at age "
        "{age}: {share:%} active ({low:%} to {high:%}; {count} of {n}; corrected p: {p:p}).",
        **values,
    )
