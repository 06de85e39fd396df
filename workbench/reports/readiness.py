"""Will a notebook run on a file of one's own? Told from its table, before anything starts."""

import re
from dataclasses import dataclass, field

from workbench import engine
from workbench.errors import InputError, unknown
from workbench.notes import Note
from workbench.reports.parameters import read_parameters, settle

RUNS = Note("ready.runs", "{notebook}: will run on this file.", notebook="")
RUNS_NOT = Note("ready.runs_not", "{notebook}: will not run on this file yet.", notebook="")
NEEDS = Note(
    "ready.needs",
    "Parameters that data of your own need, with what this file suggests:",
)
PROPOSED = Note("ready.proposed", "  -p {name}={value:text}", name="", value="")
OPEN = Note(
    "ready.open",
    "  -p {name}=…   one of {known:text} (the file does not say which)",
    name="",
    known="",
)
BESIDE = Note(
    "ready.beside",
    "  -p {name}=…   of the file of {kind:word} that belongs to it",
    name="",
    kind="",
)
COMMAND = Note(
    "ready.command", "To run it: workbench run {notebook} {given:text}", notebook="", given=""
)
ANY = Note("ready.any", "{notebook} takes no file of your own.", notebook="")
FEW_BACK = Note(
    "ready.few_back",
    "{found} customers came back; {least} are needed at least",
    found=0,
    least=0,
)
SHORT = Note(
    "ready.short", "the orders span {found} days; {least} are needed at least", found=0, least=0
)
PURCHASES = ("purchase", "order", "contract_signed", "transaction", "order_completed", "sale")
_PURCHASE = re.compile(r"purchas|order|transact|bestel|aankoop|checkout_complete|sale|conver", re.I)
_BARRIERS = ("out_of_stock", "payment_failed")
_SPLITS = ("device", "channel", "source", "campaign", "category", "touchpoint", "stage")
_ITEMS = {
    "outcome": re.compile(r"satisf|tevred|csat|intent|nps|recommend|aanbevel", re.I),
    "then": re.compile(r"recommend|aanbevel|nps|promot|loyal", re.I),
    "recommend": re.compile(r"recommend|aanbevel|nps", re.I),
    "feeling": re.compile(r"feel|gevoel|emoti|mood|stemming", re.I),
    "satisfied": re.compile(r"satisf|tevred|csat", re.I),
}
_MONEY = re.compile(r"price|prijs|cost|kosten|fare|premium|premie|bedrag", re.I)
_CONTROL = re.compile(r"control|controle|hold.?out|placebo|none|geen|^a$", re.I)
MOST_STEPS = 4


@dataclass(frozen=True)
class Need:
    """What a notebook asks of own data.

    `table` is the table, `also` columns it needs besides, `words` the parameters that name values
    of a column, `columns` those that name columns, `back` how many customers must have come back
    and `days` how long the orders must last; `given` is the parameter of the file, `beside` those
    of another one.
    """

    table: str
    words: dict = field(default_factory=dict)
    columns: tuple = ()
    also: tuple = ()
    back: int = 0
    days: int = 0
    given: str = "source"
    beside: tuple = ()


NOTEBOOKS = {
    "10_buying_stages": Need(
        "events", words={"steps": "event", "purchase": "event"}, columns=("by", "hold")
    ),
    "11_time_and_barriers": Need("events", words={"order": "event", "barrier": "event"}),
    "12_search_and_alternatives": Need("events", words={"order": "event"}),
    "13_journeys_and_paths": Need("events", words={"order": "event"}),
    "14_where_now": Need("events"),
    "20_brand_choice_and_price": Need("choices", columns=("attributes",)),
    "21_conjoint_and_worth": Need("choices", columns=("attributes", "money")),
    "22_key_drivers": Need(
        "surveys", words={"outcome": "item", "drivers_asked": "item", "then": "item"}
    ),
    "23_social_proof_and_emotion": Need(
        "surveys", words={"outcome": "item", "feeling": "item", "satisfied": "item"}
    ),
    "24_attribution_and_email": Need("events", words={"conversion": "event"}, columns=("channel",)),
    "25_campaigns_and_experiments": Need(
        "exposures",
        words={"control": "variant", "campaign": "campaign_id"},
        also=("variant",),
        beside=("orders_source", "orders_mapping"),
    ),
    "26_b2c_and_b2b": Need("deals"),
    "30_retention": Need("orders", given="sources"),
    "31_when_do_they_leave": Need("orders"),
    "32_customer_value": Need("orders", back=10),
    "33_loyalty_and_wallet": Need("order_lines", also=("brand",)),
    "34_buying_laws": Need("order_lines", also=("brand",)),
    "35_who_comes_back": Need("orders", back=50, days=91),
    "40_segments": Need("orders", back=50, days=270),
    "43_interests": Need("order_lines", back=50, days=181),
    "50_satisfaction_and_nps": Need(
        "surveys", words={"recommend": "item", "satisfied": "item"}, columns=("by",)
    ),
    "51_what_people_say": Need("texts", columns=("by", "product")),
    "52_interviews_and_codes": Need("codes", columns=("stage", "held", "quote_text")),
    "53_journey_map": Need(
        "events",
        beside=("surveys_source", "surveys_mapping"),
    ),
    "54_service_and_the_closed_loop": Need("tickets", columns=("by",)),
    "90_monthly_review": Need("orders", days=62),
}


def need_of(path):
    """Return what a notebook needs of own data; None where it takes none."""
    return NOTEBOOKS.get(path.stem.removesuffix(".nl"))


def tables_of(mapping):
    """Return the tables a mapping gives, before anything is read."""
    columns = mapping["columns"]
    brings = mapping["table"] == "order_lines" and {"customer_id", "ordered_at"} <= set(columns)
    return [mapping["table"], *(["orders"] if brings else [])]


def at_once(path, mapping, given, look=None):
    """Raise an InputError for what is plainly wrong before the file is read: the table, a column,
    a misspelt parameter, an event or item that a look at the whole file does not show.

    `look` gives, where the file was seen whole, the values of a canonical column.
    """
    need = need_of(path)
    parameters = read_parameters(path)
    values = settle(parameters, given, path.name)
    if need is None:
        return
    present = tables_of(mapping)
    if need.table not in present:
        raise _other_table(path, need, present)
    columns = list(mapping["columns"])
    for column in need.also:
        if column not in columns:
            raise unknown(f"{path.stem}, {need.table}", "column", column, columns)
    for name in need.columns:
        _must_be_among(path, name, "column", values[name], [*columns, "currency"], name in given)
    for name, column in need.words.items():
        known = look(column) if look else None
        if known:
            _must_be_among(path, name, column, values[name], known, name in given)


def before_running(path, given):
    """Raise an InputError for what is plainly wrong with a file of one's own, before a kernel
    starts: its mapping, a column it does not have, a misspelt event or item.
    """
    from workbench import load, project
    from workbench.load.preflight import Look

    need = need_of(path)
    if need is None or not given.get("mapping"):
        return
    mapping = load.read_mapping(given["mapping"])
    names = str(given.get(need.given) or "")
    for name in names.split(",") if need.given == "sources" else [names]:
        file = project.path(name)
        if file.is_file():
            look = Look(file, mapping)
            look.check_columns()
            at_once(path, mapping, given, look.values)


def _other_table(path, need, present):
    return InputError(
        "ready.error_table",
        "{notebook} needs the table '{table}'; the mapping gives {present:text}. Set "
        "`table: {table}` in the mapping and name its columns (docs/mapping.md).",
        notebook=path.stem,
        table=need.table,
        present=present,
    )


def _must_be_among(path, name, noun, value, known, given):
    """Refuse a value somebody gave that is no column or word of the file."""
    if not given or value is None:
        return
    for one in value if isinstance(value, list) else [value]:
        if str(one) not in map(str, known):
            raise unknown(f"{path.stem}, {name}", noun, one, known)


@dataclass
class Readiness:
    """Whether a notebook will run: `.lacks` says why not, `.proposed` gives a value for every
    parameter own data need, None where the file does not say it (`.known` then lists what there
    is).
    """

    notebook: str
    lacks: list
    proposed: dict
    known: dict

    @property
    def runs(self):
        """Whether it will run with what is proposed and given."""
        return not self.lacks and None not in self.proposed.values()

    def said(self):
        """Return what there is to say, as notes."""
        head = RUNS if self.runs else RUNS_NOT
        lines = [head.having(notebook=self.notebook), *self.lacks]
        if self.proposed:
            lines.append(NEEDS)
        for name, value in self.proposed.items():
            if value is None and name not in self.known:
                lines.append(BESIDE.having(name=name, kind=name.partition("_")[0]))
            elif value is None:
                lines.append(OPEN.having(name=name, known=self.known[name][:20]))
            else:
                lines.append(PROPOSED.having(name=name, value=_shell(value)))
        if not self.lacks:
            given = " ".join(
                f"-p {name}={'…' if v is None else _shell(v)}" for name, v in self.proposed.items()
            )
            lines.append(COMMAND.having(notebook=self.notebook, given=given))
        return lines


def _shell(value):
    """Return a value as one types it in a shell."""
    import shlex

    if isinstance(value, list):
        value = ",".join(value)
    return shlex.quote(value) if value else ""


def readiness(path, loaded, given, source, mapping):
    """Return whether a notebook will run on loaded tables, and what its parameters could be.

    Raises InputError for a value given that names no column, event or item of the file.
    """
    need = need_of(path)
    if need is None:
        return Readiness(path.stem, [ANY.having(notebook=path.stem)], {}, {})
    values = settle(read_parameters(path), given, path.name)
    table = loaded.table(need.table)
    columns = engine.columns(table)
    proposed = {need.given: source, "mapping": mapping}
    known = {}
    words = {c: _people(table, c) for c in dict.fromkeys(need.words.values()) if c in columns}
    for name, column in need.words.items():
        known[name] = list(words.get(column, ()))
        _must_be_among(path, name, column, values[name], known[name], name in given)
    for name in need.columns:
        known[name] = columns
        _must_be_among(path, name, "column", values[name], columns, name in given)
    for name in (*need.words, *need.columns):
        if name in given:
            proposed[name] = values[name] if values[name] is not None else ""
            continue
        told = values[name] if isinstance(values[name], list) else [values[name]]
        if None in told or set(map(str, told)) <= set(map(str, known[name])):
            continue
        proposed[name] = _propose(name, words, table, columns, proposed)
    proposed |= {name: given.get(name) for name in need.beside}
    return Readiness(path.stem, _lacks(need, table), proposed, known)


def _people(table, column):
    """Return how many people have each value of a column, the most frequent first."""
    person = next((c for c in ("customer_id", "respondent_id") if c in engine.columns(table)), None)
    counted = f"count(DISTINCT {person})" if person else "count(*)"
    found = engine.run(
        f"SELECT CAST({column} AS VARCHAR) AS word, {counted} AS n FROM t "
        f"WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY n DESC, word",
        t=table,
    )
    return dict(zip(found["word"], found["n"], strict=True))


def _propose(name, words, table, columns, proposed):
    """Return a value for a parameter, "" for none, or None where the file does not say it."""
    events = words.get("event", {})
    told = {
        "steps": lambda: steps_of(events),
        "purchase": lambda: purchase_of(events),
        "order": lambda: purchase_of(events),
        "conversion": lambda: purchase_of(events),
        "barrier": lambda: next((b for b in _BARRIERS if b in events), ""),
        "by": lambda: next((c for c in _SPLITS if c in columns and _splits(table, c)), ""),
        "hold": lambda: "",
        "campaign": lambda: "",
        "channel": lambda: next((c for c in ("source", "medium") if c in columns), None),
        "attributes": lambda: _of_choices(name, columns),
        "money": lambda: _of_choices(name, columns),
        "control": lambda: next((w for w in words["variant"] if _CONTROL.search(w)), None),
        "drivers_asked": lambda: _drivers(list(words["item"]), proposed),
    }
    return told.get(name, lambda: _of_items(name, list(words["item"]), proposed))()


def purchase_of(events):
    """Return the event that is a purchase by its name, or None."""
    named = next((event for event in PURCHASES if event in events), None)
    alike = [event for event in events if _PURCHASE.search(event)]
    if named is None and len(alike) == 1:
        return alike[0]
    return named


def steps_of(events):
    """Return events that could be steps to a purchase, in the order of the stages they belong to,
    or None where no event is a purchase.
    """
    purchase = purchase_of(events)
    if purchase is None:
        return None
    ranks = _ranks()
    known = sorted((ranks[e], -n, e) for e, n in events.items() if e in ranks and e != purchase)
    before = [e for *_, e in known]
    if not before:
        before = [e for e, n in events.items() if e != purchase and n >= events[purchase]]
    if not before:
        return None
    kept = before if len(before) < MOST_STEPS else before[-(MOST_STEPS - 1) :]
    return [*kept, purchase]


def _ranks():
    """Return the rank of the stage each event is known for, up to the purchase."""
    from workbench import stages

    taxonomy = stages.taxonomy()
    ranks = {}
    for rule in taxonomy.rules:
        rank = taxonomy.ranks[rule["stage"]]
        if rank is None or rule.get("first_visit") or rule.get("page"):
            continue
        for event in rule.get("events", ()):
            ranks.setdefault(event, rank)
    return ranks


def _splits(table, column):
    return 2 <= len(engine.distinct(table, column)) <= 10


def _of_choices(name, columns):
    own = [
        c
        for c in columns
        if c not in ("choice_id", "customer_id", "alternative", "chosen", "available", "currency")
    ]
    if name == "attributes":
        return own or None
    return next((c for c in own if _MONEY.search(c)), None)


def _drivers(items, proposed):
    """Return the items that play no other part."""
    left = [i for i in items if i not in proposed.values()]
    then = next((i for i in left if _ITEMS["then"].search(i)), None)
    return [i for i in left if i != then] or None


def _of_items(name, items, proposed):
    """Return the item that plays a part by its name."""
    hits = [i for i in items if _ITEMS[name].search(i) and i not in proposed.values()]
    if name == "outcome":
        hits.sort(key=lambda i: not _ITEMS["satisfied"].search(i))
    return hits[0] if hits else ("" if name == "then" else None)


def _lacks(need, table):
    """Return what the data themselves lack."""
    if need.table != "orders" or not need.back:
        return []
    view = engine.view(table, customer=engine.key("customer_id"), day=engine.day("ordered_at"))
    found = engine.run(
        """
          SELECT sum(CASE WHEN days > 1 THEN 1 ELSE 0 END) AS back,
            max(latest) - min(earliest) AS days
          FROM (
            SELECT customer, count(DISTINCT day) AS days, max(day) AS latest, min(day) AS earliest
            FROM o GROUP BY customer) x""",
        o=view,
    ).iloc[0]
    back, days = int(found["back"] or 0), int(found["days"] or 0)
    lacks = [FEW_BACK.having(found=back, least=need.back)] if back < need.back else []
    return lacks + ([SHORT.having(found=days, least=need.days)] if days < need.days else [])
