"""Rows as the mapping wants them, before they are judged: order fields carried down, a column a
question as a row an answer, nested parameters as columns, moments as events.
"""

from dataclasses import replace

from workbench.engine.duck import literal
from workbench.errors import InputError, unknown
from workbench.load import questions, typed
from workbench.load.expressions import Expressions, trimmed
from workbench.load.raw import ROW
from workbench.notes import Note

# Names of columns that a mapping makes and no file has.
EVENT, MOMENT = "(event)", "(moment)"
_FILLED = Note(
    "load.filled_down",
    "Empty cells of {columns:text} that took the value of the first filled row of the same "
    "{within}: {n}.",
    n=0,
    columns=[],
    within="",
)
_ANSWERS = Note(
    "load.unpivoted",
    "A column a question became a row an answer. Rows of the file: {rows}, answers: {n}, empty "
    "cells, which are no answer: {empty}.",
    rows=0,
    n=0,
    empty=0,
)
_OPEN = Note(
    "load.open_answers",
    "{columns:text}: open answers, which became the table `texts` ({n}).",
    columns=[],
    n=0,
)
_OPEN_LEFT = Note(
    "load.open_left",
    "{columns:text}: answers in words ({n}) are no numbers and left out. "
    "`unpivot: {{texts: true}}` makes the table `texts` of them.",
    columns=[],
    n=0,
)
_EVENTS = Note(
    "load.events_made",
    "A moment a column became a row an event. Rows of the file: {rows}, events: {n}, empty "
    "moments: {empty}.",
    rows=0,
    n=0,
    empty=0,
)
# From this share of numbers on a question is one on a scale.
SCALE = 0.5
# The keys of a mapping that reshape rows.
RESHAPED = ("fill_down", "explode", "unpivot", "events")


def reshaped(raw, mapping, path):
    """Return the rows as the mapping wants them, and the mapping for these."""
    if told := mapping.get("fill_down"):
        raw = _fill_down(raw, told, path)
    if told := mapping.get("explode"):
        raw = _explode(raw, told, path)
    if told := mapping.get("unpivot"):
        raw, mapping = _unpivot(raw, told, mapping, path)
    if told := mapping.get("events"):
        raw, mapping = _events(raw, told, mapping, path)
    return raw, mapping


def _present(raw, names, path):
    for name in names:
        if name not in raw.columns:
            raise unknown(str(path), "column", name, raw.columns)


def _fill_down(raw, told, path):
    """Give empty cells the value of the first filled row of the same order, in file order."""
    columns, within = told["columns"], told["within"]
    _present(raw, (*columns, within), path)
    expressions = Expressions(raw, path)
    key = expressions.words(within).sql
    firsts, shown, empty = [], [], []
    for name in columns:
        own = raw.columns[name]
        filled = f"{expressions.text(expressions.column(name))} IS NOT NULL"
        cells = [own, *([raw.kinds[name]] if name in raw.kinds else [])]
        for cell in cells:
            firsts.append(f"arg_min({cell}, {ROW}) FILTER ({filled}) AS f_{cell}")
            shown.append(f"CASE WHEN {filled} THEN r.{cell} ELSE f_{cell} END AS {cell}")
        empty.append(f"count(*) FILTER (NOT ({filled}) AND f_{own} IS NOT NULL)")
    work = raw.workspace
    work.run(
        f"CREATE OR REPLACE TEMP TABLE firsts AS SELECT {key} AS fill_key, {', '.join(firsts)} "
        f"FROM {raw.relation} WHERE {key} IS NOT NULL GROUP BY 1"
    )
    source = f"{raw.relation} r LEFT JOIN firsts ON ({key}) = fill_key"
    count = sum(work.row(f"SELECT {', '.join(empty)} FROM {source}"))
    work.run(
        f"CREATE OR REPLACE TEMP VIEW filled AS "
        f"SELECT r.* REPLACE ({', '.join(shown)}) FROM {source}"
    )
    note = _FILLED.having(n=count, columns=columns, within=within)
    return replace(raw, relation="filled", noticed=[*raw.noticed, note])


def _explode(raw, told, path):
    """Make columns of the keys of a nested list such as event_params."""
    column, key, keep = told["column"], told.get("key", "key"), told["keep"]
    _present(raw, [column], path)
    own = raw.columns[column]
    nested = typed.is_nested(raw.types[column])
    listed = f"CAST(to_json({own}) AS VARCHAR)" if nested else own
    columns, types, kinds, shown = dict(raw.columns), dict(raw.types), dict(raw.kinds), []
    for i, name in enumerate(keep):
        if name in columns:
            raise InputError(
                "load.error_explode_name",
                "mapping, explode: the file has a column '{name}' already",
                name=name,
            )
        columns[name], types[name], kinds[name] = f"x{i}", "VARCHAR", f"xk{i}"
        shown += [f"p{i}.text AS x{i}", f"p{i}.kind AS xk{i}"]
    pairs = ", ".join(f"{_parameter(listed, key, name)} AS p{i}" for i, name in enumerate(keep))
    raw.workspace.run(
        f"CREATE OR REPLACE TEMP VIEW exploded AS SELECT * EXCLUDE "
        f"({', '.join(f'p{i}' for i in range(len(keep)))}), {', '.join(shown)} "
        f"FROM (SELECT *, {pairs} FROM {raw.relation})"
    )
    notes = {k: v for k, v in raw.notes.items() if k != "left out (nested)"}
    return replace(raw, relation="exploded", columns=columns, types=types, kinds=kinds, notes=notes)


def _parameter(listed, key, name):
    """Return the SQL of what a list of keys and values holds under a name: its text and kind."""
    items = f"""CASE WHEN json_valid({listed}) THEN from_json({listed}, '["JSON"]') END"""
    wanted = f"json_extract_string(x, {literal('$.' + _json_key(key))}) = {literal(name)}"
    item = f"list_filter({items}, lambda x: {wanted})[1]"
    value = f"json_extract({item}, '$.value')"
    # BigQuery writes a value under the name of its type, and numbers in JSON as text.
    numbers = " ".join(
        f"WHEN v ->> '$.{kind}' IS NOT NULL THEN {{'text': v ->> '$.{kind}', 'kind': 'n'}}"
        for kind in ("int_value", "double_value", "float_value")
    )
    return f"""(SELECT CASE
        WHEN v IS NULL OR json_type(v) = 'NULL'
          THEN {{'text': NULL::VARCHAR, 'kind': NULL::VARCHAR}}
        WHEN json_type(v) = 'VARCHAR' THEN {{'text': v ->> '$', 'kind': 's'}}
        WHEN json_type(v) <> 'OBJECT' THEN {{'text': v ->> '$', 'kind': 'n'}}
        WHEN v ->> '$.string_value' IS NOT NULL
          THEN {{'text': v ->> '$.string_value', 'kind': 's'}}
        {numbers} END
      FROM (SELECT {value} AS v))"""


def _json_key(key):
    return '"' + key.replace('"', '\\"') + '"'


def _unpivot(raw, told, mapping, path):
    """Make a row an answer of a column a question; open answers become texts."""
    columns = _questions(raw, told, path)
    raw, texts = questions.known(raw, told, path)
    expressions = Expressions(raw, path)
    cells = {name: expressions.text(expressions.column(name)) for name in columns}
    filled, open_ones = _answered(raw, cells)
    rated = [name for name in columns if name not in open_ones]
    if not rated:
        raise InputError(
            "load.error_unpivot_words",
            "mapping, unpivot: none of the columns ({columns:text}) holds mostly numbers; give "
            "words their numbers with `recode:`, or load them as `texts`",
            columns=columns,
        )
    spread = _long(raw, {n: cells[n] for n in rated}, "answers", told, texts)
    rows = raw.rows - raw.unreadable
    empty = sum(rows - n for n in filled.values())
    made = _ANSWERS.having(rows=rows, n=spread.rows, empty=empty)
    if open_ones and told.get("texts"):
        answers = _long(raw, {n: cells[n] for n in open_ones}, "open_answers", told, texts)
        spread.texts = replace(answers, noticed=[], unreadable=0)
    spread.noticed = [*raw.noticed, made, *_open(told, open_ones, filled)]
    spread.rows += raw.unreadable
    names = dict(zip(("item", "value"), _names(told), strict=True))
    names |= {questions.COLUMN: questions.COLUMN} if set(columns) & set(texts) else {}
    return spread, {**mapping, "columns": {**names, **mapping["columns"]}}


def _names(told):
    """Return what the columns of the question and of the answer are called."""
    return told.get("item", "item"), told.get("value", "value")


def _open(told, names, filled):
    """Say what became of the questions that were answered in words."""
    said = _OPEN if told.get("texts") else _OPEN_LEFT
    return [said.having(columns=names, n=sum(filled[n] for n in names))] if names else []


def _questions(raw, told, path):
    if told.get("columns"):
        _present(raw, told["columns"], path)
        return list(told["columns"])
    _present(raw, told["except"], path)
    return [name for name in raw.columns if name not in told["except"]]


def _answered(raw, cells):
    """Return how many cells of each question are filled, and the questions answered in words."""
    number = r"[+-]?\d+([.,]\d+)?(\s*[-–=:.)(]*\s*\p{L}.*)?"
    asked = ", ".join(
        f"count({sql}), count(*) FILTER (regexp_full_match({sql}, {literal(number)}))"
        for sql in cells.values()
    )
    found = raw.workspace.row(f"SELECT {asked} FROM {raw.relation}")
    filled = dict(zip(cells, found[::2], strict=True))
    numbers = dict(zip(cells, found[1::2], strict=True))
    return filled, [n for n in cells if filled[n] and numbers[n] < SCALE * filled[n]]


def _long(raw, cells, table, told, texts):
    """Write one row a filled cell into a table and return the Raw table of them; `texts` has the
    text of each question that is known.
    """
    work, (item, value) = raw.workspace, _names(told)
    rest = {name: own for name, own in raw.columns.items() if name not in cells}
    items = ", ".join(
        f"{{'item': {literal(name)}, 'value': {sql}, 'kind': {_kind(raw, name)}, "
        f"'asked': {_asked(texts, name)}}}"
        for name, sql in cells.items()
    )
    kept = [*raw.places, *rest.values(), *(raw.kinds[n] for n in rest if n in raw.kinds)]
    shown = "".join(f", {c}" for c in kept)
    work.run(
        f"""CREATE OR REPLACE TEMP TABLE {table}_rows AS
        SELECT source_row{shown},
          cell.item AS q0, cell.value AS q1, cell.kind AS qk1, cell.asked AS q2
        FROM (
          SELECT {ROW} AS source_row{shown}, unnest([{items}]) AS cell
          FROM {raw.relation})
        WHERE cell.value IS NOT NULL"""
    )
    work.run(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT rowid AS {ROW}, * FROM {table}_rows")
    made = {item: "q0", value: "q1"}
    if texts or questions.COLUMN not in raw.columns:
        made[questions.COLUMN] = "q2"
    return replace(
        raw,
        relation=table,
        columns={**rest, **made},
        types={**{n: raw.types[n] for n in rest}, **dict.fromkeys(made, "VARCHAR")},
        kinds={**{n: k for n, k in raw.kinds.items() if n in rest}, value: "qk1"},
        rows=work.one(f"SELECT count(*) FROM {table}_rows"),
        line=raw.line.replace(f"r.{ROW}", "r.source_row"),
        lines_from=raw.lines_from.replace(f"r.{ROW}", "r.source_row"),
    )


def _kind(raw, name):
    return raw.kinds.get(name, "'s'") if raw.types[name] == "VARCHAR" else "'n'"


def _asked(texts, name):
    return f"CAST({literal(texts[name]) if name in texts else 'NULL'} AS VARCHAR)"


def _events(raw, told, mapping, path):
    """Make one event of every filled moment of a row."""
    _present(raw, told.values(), path)
    work = raw.workspace
    owns = [raw.columns[name] for name in told.values()]
    kinds = {raw.types[name] for name in told.values()}
    texts = len(kinds) > 1
    values = [f"CAST({own} AS VARCHAR)" if texts else own for own in owns]
    cells = ", ".join(
        f"{{'event': {literal(event)}, 'moment': {value}}}"
        for event, value in zip(told, values, strict=True)
    )
    kept = [*raw.places, *raw.columns.values(), *raw.kinds.values()]
    empty = trimmed("cell.moment") if kinds == {"VARCHAR"} or texts else "cell.moment"
    work.run(
        f"""CREATE OR REPLACE TEMP TABLE event_rows AS
        SELECT source_row, {", ".join(kept)}, cell.event AS e0, cell.moment AS e1
        FROM (
          SELECT {ROW} AS source_row, {", ".join(kept)}, unnest([{cells}]) AS cell
          FROM {raw.relation})
        WHERE {empty} IS NOT NULL"""
    )
    work.run(f"CREATE OR REPLACE TEMP VIEW made_events AS SELECT rowid AS {ROW}, * FROM event_rows")
    count, rows = work.one("SELECT count(*) FROM event_rows"), raw.rows - raw.unreadable
    note = _EVENTS.having(rows=rows, n=count, empty=rows * len(told) - count)
    spread = replace(
        raw,
        relation="made_events",
        columns={**raw.columns, EVENT: "e0", MOMENT: "e1"},
        types={**raw.types, EVENT: "VARCHAR", MOMENT: "VARCHAR" if texts else kinds.pop()},
        rows=count + raw.unreadable,
        noticed=[*raw.noticed, note],
        line=raw.line.replace(f"r.{ROW}", "r.source_row"),
        lines_from=raw.lines_from.replace(f"r.{ROW}", "r.source_row"),
    )
    columns = {"event": EVENT, "occurred_at": MOMENT, **mapping["columns"]}
    return spread, {**mapping, "columns": columns}
