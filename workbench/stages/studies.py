"""Analyses of a simulated market as a whole, beside what was planted in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.results import analysis
from workbench.stages.contrast import (
    answered_before,
    loyalty_groups,
    requirements_before,
    skip_contrast,
)
from workbench.stages.log import observed_stages, staged
from workbench.stages.profile import profile
from workbench.stages.silence import silence

if TYPE_CHECKING:
    from typing import Any

    from workbench.types import Grouping

SKIPPABLE = ["search", "evaluation"]


@analysis
def contrast_in_market(
    market: Any,
    by: Grouping | None = "recommend",
    *,
    rules: Any | None = None,
    people: int = 1500,
    seed: int = 1,
    conf_level: float = 0.95,
) -> tuple:
    """Do more loyal customers of a simulated market skip stages more often, and did they in truth?

    Occasions are cut by the silence read off the waits; some buyers are asked which stages they
    went through. `by` is "recommend" (the survey) or "share_of_requirements".

    Takes a `simulate.Market`. Returns the Result of `skip_contrast`, and the shares skipped in mind
    by the same groups: more, fewer, difference.
    """
    from workbench.simulate import truth, views

    events = staged(market["events"], rules=rules, order="order")
    names = observed_stages(events)
    gap = silence(events, names).model.gap
    occasions = profile(events, names, column="stage", gap=gap)
    if by == "share_of_requirements":
        occasions = requirements_before(occasions, market["order_lines"])
    else:
        occasions = answered_before(occasions, market["surveys"], by)
    asked = views.asked_buyers(market, occasions, SKIPPABLE, people=people, seed=seed)
    compared = skip_contrast(occasions, SKIPPABLE, by=by, linked=asked, conf_level=conf_level)
    groups = loyalty_groups(occasions, by=by)
    orders = views.order_ids(market, groups)
    planted = truth.skipping_by(market, dict(zip(orders, groups["group"], strict=True)), SKIPPABLE)
    return compared, planted
