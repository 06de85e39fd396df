"""What the stages are called, how frameworks relate, and which stage an event belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench import engine, schemas
from workbench import names as own
from workbench.errors import InputError, NotEnoughData, need_columns, unknown
from workbench.results import analysis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import pandas as pd

    from workbench.types import Moment, Table

CONDITIONS = ("events", "page", "nth", "seconds", "first_visit", "buyer")


@dataclass(frozen=True)
class Taxonomy:
    """The stages in order, the frameworks that name them, and the rules that give an event its
    stage.
    """

    stages: tuple
    ranks: dict
    frameworks: dict
    rules: tuple

    def framework(self, name):
        """Return the stages of a framework as (id, canonical stages) rows; "canonical" is one
        too.
        """
        if name == "canonical":
            return [(stage, (stage,)) for stage in self.stages]
        if name not in self.frameworks:
            raise unknown("framework", "framework", name, ("canonical", *self.frameworks))
        return [(stage["id"], tuple(stage["of"])) for stage in self.frameworks[name]]


def taxonomy(path: object = None) -> object:
    """Return the taxonomy of a YAML file, or the workbench's own (`workbench/stages/stages.yml`).

    Stages have ids that are the same in every language; how they are shown stands in the
    catalogues of words.

    Raises InputError for a file of another shape, and for a rule or framework that names an unknown
    stage or condition.
    """
    return _read(str(path) if path else None)


def _raw(path):
    import yaml

    source = (
        Path(path).read_text(encoding="utf-8")
        if path
        else (files("workbench.stages") / "stages.yml").read_text(encoding="utf-8")
    )
    try:
        raw = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise _misshapen(path, "stages, rules", "YAML") from error
    _check_shape(raw, path)
    return raw


@cache
def _read(path):
    raw = _raw(path)
    stages = tuple(s["id"] for s in raw["stages"])
    for name, framework in (raw.get("frameworks") or {}).items():
        for stage in framework:
            for member in stage["of"]:
                if member not in stages:
                    raise unknown(f"framework '{name}'", "stage", member, stages)
    for i, rule in enumerate(raw["rules"], 1):
        if rule.get("stage") not in stages:
            raise unknown(f"rule {i}", "stage", rule.get("stage"), stages)
        for condition in set(rule) - {"stage"}:
            if condition not in CONDITIONS:
                raise unknown(f"rule {i}", "condition", condition, CONDITIONS)
        if not {"events", "page"} & set(rule):
            raise InputError(
                "stages.error_rule_too_wide",
                "rule {number}: names neither events nor a page, so it would fit everything",
                number=i,
            )
    return Taxonomy(
        stages,
        {s["id"]: s["rank"] for s in raw["stages"]},
        raw.get("frameworks") or {},
        tuple(raw["rules"]),
    )


_SHAPES = {
    "stages": "[{id: need, rank: 1}, …]",
    "frameworks": "{name: [{id: decision, of: [intent, purchase]}, …]}",
    "rules": "[{stage: search, events: [site_search]}, …]",
}


def _check_shape(raw, path):
    """Raise InputError where a taxonomy is not built as `stages.yml` is."""
    if not isinstance(raw, dict) or not {"stages", "rules"} <= set(raw):
        raise _misshapen(path, "stages, rules", " ".join(_SHAPES.values()))
    frameworks = raw.get("frameworks") or {}
    whole = {
        "stages": _are_entries(raw["stages"], "id", "rank"),
        "frameworks": isinstance(frameworks, dict)
        and all(_are_entries(held, "id", "of") for held in frameworks.values())
        and all(isinstance(s["of"], list) for held in frameworks.values() for s in held),
        "rules": _are_entries(raw["rules"]),
    }
    for part, sound in whole.items():
        if not sound:
            raise _misshapen(path, part, _SHAPES[part])


def _are_entries(listed, *needed):
    return isinstance(listed, list) and all(
        isinstance(entry, dict) and set(needed) <= set(entry) for entry in listed
    )


def _misshapen(path, part, shape):
    return InputError(
        "stages.error_taxonomy_shape",
        "{path}: this is no taxonomy as read here; {part:text} must be written as {shape:text}. "
        "Compare workbench/stages/stages.yml.",
        path=path,
        part=part,
        shape=shape,
    )


def crosswalk(taxonomy_: object = None) -> object:
    """Set the frameworks side by side: one row per canonical stage, one column per framework.

    Returns a DataFrame; a stage that a framework does not know is missing there. Frameworks differ
    in what they join, so a conversion between two of their stages is comparable within one
    framework only.
    """
    import pandas as pd

    tax = taxonomy_ or taxonomy()
    rows = []
    for stage in tax.stages:
        row = {"stage": stage}
        for name in tax.frameworks:
            row[name] = next((id for id, held in tax.framework(name) if stage in held), None)
        rows.append(row)
    made = pd.DataFrame(rows)
    made.attrs["built_in"] = taxonomy_ is None
    return made


def relabel(
    values: Sequence[str], to: str, *, of: str = "canonical", taxonomy_: object = None
) -> list:
    """Give stages the names of another framework, where that loses detail but invents none.

    Parameters
    ----------
    values : sequence of str
        Ids of stages of the framework `of`.
    to, of : str
        Framework names; "canonical" for the workbench's own stages.

    Returns
    -------
    list of str or None
        Ids of stages of the framework `to`; None where it has no such stage.

    Raises
    ------
    InputError
        For an unknown stage or framework, and where a stage of `of` holds stages that `to` keeps
        apart.
    """
    tax = taxonomy_ or taxonomy()
    target = {stage: id for id, held in tax.framework(to) for stage in held}
    found = {}
    for stage, held in tax.framework(of):
        names = {target.get(member) for member in held}
        if len(names) > 1:
            found[stage] = InputError(
                "stages.error_relabel_finer",
                "relabel: '{stage:word}' of '{of:word}' holds {members:word}, which '{to:word}' "
                "keeps apart ({names:word}); going from coarse to fine would invent detail",
                stage=stage,
                of=of,
                members=list(held),
                to=to,
                names=sorted(names, key=str),
            )
        else:
            found[stage] = names.pop()
    out = []
    for value in values:
        if value is None or value != value:
            out.append(None)
            continue
        if value not in found:
            raise unknown("values", f"stage of '{of}'", value, found)
        if isinstance(found[value], InputError):
            raise found[value]
        out.append(found[value])
    return out


@engine.tables("events")
@analysis
def assign(
    events: Table,
    *,
    rules: Any | None = None,
    order: str | Sequence[str] | None = None,
    gap: str = "30D",
    timeout: str = "30min",
    until: Moment | None = None,
) -> pd.DataFrame:
    """Give every event its buying stage, by its name, its page and its place in the episode.

    The rule with most conditions wins; among equals the later stage. A behavioural stage stands in
    for a state of mind: check it with `mapping_quality` against labels.

    Parameters
    ----------
    events : table with customer_id, occurred_at, event; page where rules use it
    rules : Taxonomy or path of a YAML file, optional
        Default the workbench's own taxonomy.
    order : str or list of str, optional
        Event name(s) that are a purchase; default those the rules call one.
    gap, timeout : str
        Silence that closes an episode, and a visit.
    until : str or Timestamp, optional

    Returns
    -------
    DataFrame
        customer_id, occurred_at (UTC), event, stage (missing where no rule fits), alternative (the
        stage of the next best rule, where it is another one), rows by customer and time.

    Raises
    ------
    InputError
        For a missing column or a broken rule.

    Source: rule S-02 in `docs/glossary.md`; page typing after Montgomery, Li, Srinivasan & Liechty
    (2004), Marketing Science 23.
    """
    import pandas as pd

    tax = rules if isinstance(rules, Taxonomy) else taxonomy(rules)
    schemas.require(events, "events")
    names = own.listed(engine.distinct(events, "event"))
    if not names:
        raise NotEnoughData("stages.error_no_events", "assign: the table holds no event")
    roles = {
        "customer": engine.key("customer_id"),
        "t": engine.micros("occurred_at"),
        "k": engine.code("event", names),
    }
    if "page" in engine.columns(events) and any("page" in r for r in tax.rules):
        roles["page"] = engine.raw("page")
    named = own.occurring("order", () if order is None else own.several(order), names)
    orders = named or [
        e
        for r in tax.rules
        if r["stage"] == "purchase" and "page" not in r
        for e in r.get("events", ())
    ]
    if named and "purchase" in tax.stages:
        tax = replace(
            tax,
            rules=(
                *tax.rules,
                {"stage": "purchase", "events": named, "page": "", "nth": 0, "seconds": 0},
            ),
        )
    end = schemas.observed_until(events, until)
    view = engine.view(events, upto=None if until is None else end, **roles)
    kernel = _Assign(
        tax,
        tuple(names),
        tuple(orders),
        schemas.micros("gap", gap),
        schemas.micros("timeout", timeout),
    )
    parts = engine.map_ordered(view, kernel, then=("t", "k")).sort_values(
        ["customer", "t", "k"], kind="stable", ignore_index=True
    )
    stages = np.array([*tax.stages, None], object)
    return pd.DataFrame(
        {
            "customer_id": parts["customer"],
            "occurred_at": (
                pd.to_datetime(parts["t"], unit="us", utc=True).astype("datetime64[us, UTC]")
            ),
            "event": np.array(names, object)[parts["k"]],
            "stage": stages[parts["stage"]],
            "alternative": stages[parts["alternative"]],
        }
    )


@engine.frames("events", "assigned", kept=True)
@analysis
def align(events: Table, assigned: object, column: object) -> object:
    """Return a column of the events in the order of their assigned stages, so that it can stand
    beside them.

    Takes a DataFrame of events, the table `assign` made of it and the column's name; returns an
    array. Raises InputError where the two do not hold the same events.
    """
    import pandas as pd

    need_columns("events", events.columns, "customer_id", "occurred_at", "event", column)

    theirs, mine = _keyed(events), _keyed(assigned)
    if len(theirs) != len(mine) or any(
        (theirs[k].to_numpy() != mine[k].to_numpy()).any() for k in ("c", "t", "e")
    ):
        raise InputError(
            "stages.error_beside",
            "align: {events} events and {assigned} assigned rows that do not match; "
            "both must come from the same table",
            events=len(theirs),
            assigned=len(mine),
        )
    out = pd.Series(
        events[column].iloc[theirs["row"]].to_numpy(), index=assigned.index[mine["row"]]
    )
    return out.reindex(assigned.index).to_numpy()


def _keyed(table):
    """Return the events of a table in the order of customer, moment and event."""
    import pandas as pd

    rows = pd.DataFrame(
        {
            "c": engine.written(table["customer_id"]).to_numpy(),
            "t": (
                pd.to_datetime(table["occurred_at"], utc=True)
                .astype("datetime64[us, UTC]")
                .to_numpy()
            ),
            "e": engine.written(table["event"]).to_numpy(),
            "row": np.arange(len(table)),
        }
    )
    return rows.dropna().sort_values(["c", "t", "e", "row"], kind="stable")


class _Assign:
    """The kernel of `assign`: one row per event."""

    def __init__(self, tax, names, orders, gap, timeout):
        self.tax, self.names, self.orders, self.gap, self.timeout = tax, names, orders, gap, timeout
        # Strongest rule first: most conditions, then the later stage.
        self.rules = sorted(
            tax.rules, key=lambda r: (len(r) - 1, tax.stages.index(r["stage"])), reverse=True
        )

    def __call__(self, batch):
        k, time, n = batch["k"].astype(int), batch["t"], len(batch)
        none = len(self.tax.stages)
        pages, page = self._pages(batch)
        wait = np.diff(time, append=0) if n else time
        # The last page's time is unknown.
        wait = np.where(np.arange(n) == batch.last, self.timeout, wait)
        is_order = np.isin(np.array(self.names, object), self.orders)[k] if n else np.zeros(0, bool)
        new = np.zeros(n, bool)
        new[batch.starts] = True
        first_visit = np.zeros(n, bool)
        if n:
            pause = np.diff(time)
            visit = new.copy()
            visit[1:] |= pause > self.timeout
            number = np.cumsum(visit)
            first_visit = number == number[batch.first]
            new[1:] |= (pause > self.gap) | is_order[:-1]
        episode = np.cumsum(new)
        before = np.cumsum(is_order) - is_order
        buyer = before > before[batch.first] if n else first_visit
        stage, other = np.full(n, none), np.full(n, none)
        for rule in self.rules:
            fits = np.ones(n, bool)
            if "events" in rule:
                fits &= np.isin(np.array(self.names, object), rule["events"])[k]
            if rule.get("page"):
                pattern = re.compile(rule["page"])
                fits &= (
                    np.array([bool(p) and bool(pattern.search(p)) for p in pages], bool)[page]
                    if len(pages)
                    else False
                )
            if rule.get("nth") and n:
                running = np.cumsum(fits)
                at = np.flatnonzero(new)[episode - 1]
                fits &= running - running[at] + fits[at] >= rule["nth"]
            if rule.get("seconds"):
                # A pause beyond the visit's time-out tells nothing of how long the page was looked
                # at.
                fits &= (
                    (wait >= rule["seconds"] * 1_000_000)
                    & (wait <= self.timeout)
                    & (np.arange(n) != batch.last)
                )
            if "first_visit" in rule:
                fits &= first_visit == rule["first_visit"]
            if "buyer" in rule:
                fits &= buyer == rule["buyer"]
            code = self.tax.stages.index(rule["stage"])
            other = np.where(fits & (stage < none) & (other == none) & (stage != code), code, other)
            stage = np.where(fits & (stage == none), code, stage)
        return {
            "customer": batch["customer"],
            "t": time,
            "k": k,
            "stage": stage,
            "alternative": other,
        }

    @staticmethod
    def _pages(batch):
        """Return the different pages of a batch and the number of each row's page."""
        import pandas as pd

        if "page" not in batch.columns or not len(batch):
            return [], np.zeros(len(batch), int)
        codes, names = pd.factorize(np.asarray(batch["page"], object), use_na_sentinel=False)
        return [p if isinstance(p, str) else "" for p in names], codes
