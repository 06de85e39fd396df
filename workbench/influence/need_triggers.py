"""What becomes of needs by what woke them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine, intervals
from workbench.errors import NotEnoughData, need_columns
from workbench.notes import Note
from workbench.results import Points, Result, analysis

if TYPE_CHECKING:
    from workbench.types import Table

LIMIT = Note(
    "influence.trigger_limit",
    "What woke a need was not decided by chance: whom a friend tells is another person than whom "
    "an advert reaches, unless the data were made so.",
)


@engine.frames("needs", optional=("planted",))
@analysis
def conversion_by_trigger(
    needs: Table,
    *,
    control: str = "from_within",
    planted: Table | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Do needs end in a purchase more or less often by what woke them?

    Two ways of being woken that differ from one another say nothing of either: one may be the
    better, or the other the worse. Each is therefore set against needs that nobody woke.

    Parameters
    ----------
    needs : table with customer_id, variant (what woke it) and bought (0 or 1)
    control : str
        The variant that nobody woke.
    planted : table with variant and planted, optional
        The difference that a simulation planted (`simulate.trigger_effects`).

    Returns
    -------
    Result
        trigger, measure (share, or difference from the control), count, n (needs), estimate,
        std_error, conf_low, conf_high, and with `planted` that difference. The customer is the
        sampling unit.

    Raises NotEnoughData without needs of the control and of another kind.

    Source: Newcombe (1998), Statistics in Medicine 17, widened for several needs a customer.
    """
    import pandas as pd

    need_columns("needs", needs.columns, "customer_id", "variant", "bought")
    kinds = sorted(needs["variant"].unique(), key=lambda k: (k != control, str(k)))
    if len(kinds) < 2 or kinds[0] != control:
        raise NotEnoughData(
            "influence.error_triggers",
            "needs: needs of '{control}' and of another kind are needed, found {kinds:text}",
            control=control,
            kinds=kinds,
        )
    rows = []
    for kind in kinds:
        mine = needs[needs["variant"] == kind]
        hit, who = mine["bought"].to_numpy(bool), mine["customer_id"].to_numpy()
        found = intervals.share(hit, who, conf_level)
        rows.append({"trigger": kind, "measure": "share", **found})
    for kind in kinds[1:]:
        both = needs[needs["variant"].isin((control, kind))]
        flag = both["variant"] == kind
        found = intervals.share_difference(both["bought"], flag, both["customer_id"], conf_level)
        rows.append({"trigger": kind, "measure": "difference", **found})
    table = pd.DataFrame(rows)
    if planted is not None:
        known = planted.set_index("variant")["planted"]
        own = table["measure"] == "difference"
        table["planted"] = table["trigger"].map(known).where(own)
    return Result(
        question=Note(
            "influence.trigger_question",
            "Do needs end in a purchase more or less often by what woke them?",
        ),
        table=table,
        method=Note(
            "influence.trigger_method",
            "Shares of needs that have ended, each kind less {control:word}; the customer is the "
            "sampling unit.",
            control=control,
        ),
        answer=_answer(table, control),
        unit="needs",
        n=len(needs),
        conf_level=conf_level,
        evidence="associational",
        limits=(LIMIT,),
        chart=Points(
            label=["trigger"],
            only={"measure": "difference"},
            points=True,
            reference=0,
            beside="planted" if planted is not None else None,
            xlabel=Note(
                "influence.trigger_axis",
                "Share bought less that of {control:word}, percentage points",
                control=control,
            ),
        ),
    )


def _answer(table, control):
    """Return the kind that is furthest from the control, and the one that is nearest to it."""
    gaps = table[table["measure"] == "difference"]
    order = gaps["estimate"].abs().sort_values(kind="stable").index
    near, far = gaps.loc[order[0]], gaps.loc[order[-1]]
    base = table[(table["measure"] == "share") & (table["trigger"] == control)].iloc[0]
    values = {
        "far": far["trigger"],
        "gap": far["estimate"],
        "low": far["conf_low"],
        "high": far["conf_high"],
        "control": control,
        "share": base["estimate"],
        "n": int(table.loc[table["measure"] == "share", "n"].sum()),
    }
    if len(gaps) == 1:
        return Note(
            "influence.trigger_answer_one",
            "Of needs {control:word} {share:%} end in a purchase; the share of those woken by "
            "{far:word} differs by {gap:points} percentage points ({low:points} to {high:points}; "
            "{n} needs).",
            **values,
        )
    return Note(
        "influence.trigger_answer",
        "Of needs {control:word} {share:%} end in a purchase. Furthest from that are needs woken "
        "by {far:word}, with {gap:points} percentage points ({low:points} to {high:points}), "
        "nearest those woken by {near:word}, with {near_gap:points} ({near_low:points} to "
        "{near_high:points}; {n} needs).",
        near=near["trigger"],
        near_gap=near["estimate"],
        near_low=near["conf_low"],
        near_high=near["conf_high"],
        **values,
    )
