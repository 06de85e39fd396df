"""A table of events made ready for the analyses of stages, and the true stages beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import engine
from workbench.errors import at_least
from workbench.results import analysis
from workbench.stages.taxonomy import align, assign

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from workbench.types import Moment, Table

IN_ORDER = ("need", "search", "evaluation", "intent", "purchase")
KEPT = ("brand", "product_id", "category", "channel", "page", "device", "source")


@engine.frames("events", kept=True)
@analysis
def staged(
    events: Table,
    *,
    rules: Any | None = None,
    order: str | None = None,
    gap: str = "30D",
    until: Moment | None = None,
) -> object:
    """Give every event its stage, need and awareness as one, with the columns analyses use.

    A need that is seen from outside begins with awareness, so the two cannot be told apart in
    behaviour. Parameters are as in `assign`. Returns its table with brand, product_id, category,
    channel, page, device and source where the events have them.
    """
    assigned = assign(events, rules=rules, order=order, gap=gap, until=until)
    table = assigned.assign(stage=assigned["stage"].replace({"awareness": "need"}))
    table.attrs.update(getattr(events, "attrs", {}))
    for column in KEPT:
        if column in events:
            table[column] = align(events, assigned, column)
    return table


@engine.tables("staged")
@analysis
def observed_stages(staged: Table) -> object:
    """Return the stages up to the purchase that occur, in order.

    Raises InputError without a purchase, or with no stage before it.
    """
    found = set(engine.distinct(staged, "stage"))
    return at_least("stages", [s for s in IN_ORDER if s in found], ["purchase"], 2)


@engine.tables("staged")
@analysis
def events_by_stage(staged: Table) -> object:
    """Return how many events each stage has, those without a stage as "unmapped"."""
    found = engine.run(
        "SELECT stage, count(*) AS n FROM s GROUP BY stage",
        s=engine.view(staged, stage=engine.raw("stage")),
    )
    stage = engine.written(found["stage"]).fillna("unmapped")
    rows = found["n"].groupby(stage.to_numpy()).sum().rename_axis("stage").reset_index(name="rows")
    return rows.sort_values(["rows", "stage"], ascending=[False, True], ignore_index=True)


@engine.frames("linked")
@analysis
def true_occasions(linked: Table, stages: Sequence[str] | None) -> object:
    """Return occasions as they were: the stages of `link_true_stages` in place of those seen."""
    true = {stage: linked[f"true_{stage}"] for stage in stages}
    return linked.assign(**true, left_censored=False)
