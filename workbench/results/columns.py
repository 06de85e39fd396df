"""What the columns of a table must be and hold, where a function's own steps do not ask first.

A name in braces is an argument: the column, or the columns, that it names.
"""

from dataclasses import dataclass

from workbench.errors import InputError, countable, need_columns
from workbench.notes import Note

_NO_VALUE = Note("result.no_value", "no value")
_NOW = ("idle", "need", "search", "evaluation", "intent", "post_purchase")
_MAIL = ("customer_id", "campaign_id", "sent_at", "delivered", "opened_at", "clicked_at")
_BOUGHT = ("customer_id", "ordered_at", "amount")
_SHELF = ("{price}", "{quantity}", "{controls}", "{margin}", "{instrument}")
_TESTS = ("channel", "incremental", "std_error")
_PRICES = ("too_cheap", "cheap", "expensive", "too_expensive")


@dataclass(frozen=True)
class Holds:
    """Columns a table must have, those that hold numbers, those that hold yes or no; the last two
    only where the table has them.
    """

    needed: tuple = ()
    numbers: tuple = ()
    flags: tuple = ()
    filled: tuple = ()  # in every row


_CHOICES = {"choices": Holds(flags=("chosen", "available"))}
_ITEMS = {"table": Holds(numbers=("{items}", "{scales}"))}
_TRUTH = {
    "posterior": Holds((*_NOW, "calibrated"), _NOW, ("certain", "calibrated"), _NOW),
    "truth": Holds(("customer_id", "stage")),
}
_CAMPAIGN = {
    "orders": Holds(_BOUGHT),
    "events": Holds(("customer_id", "occurred_at", "event", "campaign_id")),
}
_EMAILS = {
    "emails": Holds(_MAIL, flags=("delivered", "machine_open")),
    "orders": Holds(("customer_id", "ordered_at")),
}
_TREATED = {"table": Holds(numbers=("{treatment}", "{outcome}", "{outcomes}"))}
_MEANT = {"table": Holds(numbers=("{outcome}",))}

COLUMNS = {
    "attribution.calibrate_to_experiments": {"tests": Holds(_TESTS, _TESTS[1:], filled=_TESTS)},
    "attribution.campaigns": {
        "table": Holds(numbers=("impressions", "clicks", "conversions", "cost", "revenue"))
    },
    "attribution.compare": {
        "truth": Holds(("channel", "incremental_orders"), ("incremental_orders",)),
        "costs": Holds(("channel", "cost"), ("cost",)),
    },
    "attribution.email_funnel": _EMAILS,
    "attribution.from_paths": {"table": Holds(numbers=("{conversions}", "{nulls}", "{value}"))},
    "attribution.mail_effect": {
        "emails": Holds(("customer_id", "campaign_id", "sent_at", "variant")),
        "orders": Holds(("customer_id", "ordered_at")),
        "truth": Holds(("quantity", "incremental_orders", "std_error")),
    },
    "attribution.mails_as_adverts": _EMAILS,
    "attribution.marketing_mix": {"table": Holds(numbers=("{sales}", "{media}", "{controls}"))},
    "clv.holdout": {
        "customers": Holds(numbers=("later", "later_value"), filled=("later",)),
    },
    "clv.value": {"customers": Holds(numbers=("paid", "value"), filled=("paid",))},
    "conjoint.best_worst": {"answers": Holds(flags=("best", "worst"))},
    "conjoint.gabor_granger": {"answers": Holds(numbers=("price",), flags=("would_buy",))},
    "conjoint.van_westendorp": {"answers": Holds(numbers=_PRICES)},
    "drivers.attitude": {"answers": Holds(numbers=("belief", "evaluation"))},
    "drivers.explore_factors": _ITEMS,
    "drivers.importance_performance": _MEANT,
    "drivers.kano": {"answers": Holds(numbers=("functional", "dysfunctional"))},
    "drivers.key_drivers": _MEANT,
    "drivers.mediation": {"table": Holds(numbers=("{cause}", "{mediators}", "{outcome}"))},
    "drivers.moderation": {"table": Holds(numbers=("{outcome}",))},
    "drivers.reliability": _ITEMS,
    "drivers.scale_means": _ITEMS,
    "drivers.service_gap": {"answers": Holds(numbers=("expectation", "perception"))},
    "drivers.stated_importance": {"answers": Holds(numbers=("value",))},
    "drivers.validity": _ITEMS,
    "experiments.balance": _TREATED,
    "experiments.campaign_households": _CAMPAIGN,
    "experiments.campaign_weeks": _CAMPAIGN,
    "experiments.concurrent_campaigns": {
        "homes": Holds(("customer_id", "received"), flags=("received",)),
        "events": Holds(("customer_id", "occurred_at", "event", "campaign_id")),
    },
    "experiments.difference_in_differences": {"panel": Holds(numbers=("{outcome}",))},
    "experiments.exposed": {
        "exposures": Holds(("customer_id", "exposed_at")),
        "orders": Holds(_BOUGHT),
    },
    "experiments.negative_controls": _TREATED,
    "experiments.planned_split": {"people": Holds(("variant",))},
    "experiments.uplift": _TREATED,
    "experiments.weighting": _TREATED,
    "influence.distance_decay": {"table": Holds(numbers=("{distance}",), flags=("{bought}",))},
    "influence.huff": {
        "trips": Holds(numbers=("{distance}", "{size}"), flags=("chosen", "available"))
    },
    "influence.peers": {"table": Holds(numbers=("{adopted}", "{exposure}"))},
    "influence.price_premium": {
        "offers": Holds(numbers=("{price}", "{credentials}", "{specification}"))
    },
    "influence.price_elasticity": {"sales": Holds(numbers=_SHELF)},
    "influence.promotion_lift": {"sales": Holds(numbers=(*_SHELF, "{promotion}"))},
    "influence.referred_deals": {"deals": Holds(("{referred}", "{won}"), ("{referred}", "{won}"))},
    "influence.review_effect": {
        "panel": Holds(numbers=("{sales}", "{rating}", "{count}", "{controls}"))
    },
    "influence.star_rounding": {"table": Holds(numbers=("{rating}", "{outcome}"))},
    "influence.support": {
        "deals": Holds(("{hours}", "{won}"), ("{hours}", "{won}", "{instrument}"))
    },
    "influence.conversion_by_trigger": {
        "needs": Holds(("customer_id", "variant", "bought"), flags=("bought",)),
        "planted": Holds(("variant", "planted"), ("planted",)),
    },
    "prediction.features": {"orders": Holds(numbers=("amount",))},
    "prediction.repurchase_propensity": {"orders": Holds(numbers=("amount",))},
    "stages.intention": {
        "answers": Holds(("customer_id", "answered_at", "value"), ("value",)),
        "orders": Holds(("customer_id", "ordered_at")),
    },
    "stages.latent_score": _TRUTH,
    "stages.reliability": _TRUTH,
    "stages.time_to_purchase": {"episodes": Holds(("days",), ("days",))},
    "stages.cart_abandonment": {"carts": Holds(numbers=("value", "items"))},
    "stages.stage_distribution": _TRUTH,
}
COLUMNS |= {
    f"choice.{name}": _CHOICES
    for name in (
        *("compare_rules", "conditional_logit", "elasticities", "holdout", "iia_test"),
        *("latent_class", "select_latent_classes", "mixed_logit", "most_chosen", "nested_logit"),
        *("some_customers", "state_dependence", "simulate_shares"),
    )
}
COLUMNS |= {
    f"retention.{name}": {"table": Holds(numbers=("days", "ended"))}
    for name in ("cox", "survival_curves", "competing_risks", "parametric", "discrete_time_hazard")
}
COLUMNS |= {
    f"clv.{name}": {"customers": Holds(numbers=("frequency", "recency", "age", "value", "paid"))}
    for name in (
        "bg_bb",
        "bg_nbd",
        "gamma_gamma",
        "mbg_nbd",
        "expected_purchases",
        "pareto_nbd",
        "tracking_plot",
    )
}
COLUMNS |= {
    f"conjoint.{name}": _CHOICES for name in ("answer_quality", "numeric_attributes", "part_worths")
}


def check(function, arguments):
    """Raise an InputError where a table lacks a column, or one holds what it cannot.

    Parameters
    ----------
    function : callable
        Whose arguments they are.
    arguments : dict
        Name → value, every default with it.
    """
    import pandas as pd

    room = function.__module__.removeprefix("workbench.").partition(".")[0]
    for where, holds in COLUMNS.get(f"{room}.{function.__name__}", {}).items():
        table = arguments.get(where)
        if isinstance(table, pd.DataFrame) and table.columns.is_unique:
            _check(where, table, holds, arguments)


def _check(where, table, holds, arguments):
    need_columns(where, table.columns, *_meant(holds.needed, arguments))
    for name in _meant(holds.filled, arguments):
        lacking = int(table[name].isna().sum()) if name in table else 0
        if lacking:
            raise InputError(
                "result.error_filled",
                "{where}: {lacking} rows have no '{column}'; leave these rows out, or give the "
                "table as its own function made it",
                where=where,
                lacking=lacking,
                column=name,
            )
    for name in _meant(holds.numbers, arguments):
        if name in table:
            _check_numbers(where, name, table[name])
    for name in _meant(holds.flags, arguments):
        if name in table and not holds_flags(table[name]):
            raise InputError(
                "result.error_yes_no",
                "{where}: '{column}' must be true or false, or {yes} or {no}, found {found:repr}",
                where=where,
                column=name,
                yes=1,
                no=0,
                found=shown(table[name]),
            )


def _meant(names, arguments):
    """Yield names of columns, those of arguments put in."""
    for name in names:
        if name.startswith("{"):
            yield from _flat(arguments.get(name[1:-1]))
        else:
            yield name


def _flat(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _flat(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _flat(one)


def _check_numbers(where, name, column):
    if not holds_numbers(column):
        raise InputError(
            "result.error_numbers",
            "{where}: '{column}' must hold numbers, found {found:repr}; read it with "
            "pandas.to_numeric(…)",
            where=where,
            column=name,
            found=shown(column),
        )
    countable(where, name, column.dropna().astype(float))


def holds_numbers(column):
    """Whether a column holds numbers, or nothing."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        return False
    return (
        (pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column))
        or column.isna().all()
        or pd.api.types.infer_dtype(column, skipna=True)
        in ("integer", "floating", "mixed-integer-float", "decimal", "boolean")
    )


def holds_flags(column):
    """Whether a column holds yes and no only, as truth or as 1 and 0, or nothing."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column):
        return True
    return holds_numbers(column) and bool(column.dropna().astype(float).isin((0.0, 1.0)).all())


def shown(column):
    """Return a value that shows what is wrong, cut short."""
    values = column.dropna()
    words = [v for v in values.head(10_000) if isinstance(v, str)]
    if not len(values):
        return str(_NO_VALUE)
    return str(words[0] if words else values.iloc[0])[:40]
