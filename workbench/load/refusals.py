"""Which rows are refused, and why: the first reason found stands."""

from workbench import schemas
from workbench.engine.duck import literal
from workbench.errors import DataError, InputError, unknown
from workbench.load import at_once, numbers
from workbench.load.raw import ROW, Doubt
from workbench.notes import Note

TESTS = ("starts_with", "equals", "one_of", "missing", "at_most", "at_least")
NOT_NEGATIVE = ("amount", "quantity", "list_price")
ANOTHER_LINE = "order_id: another line of this order was refused"
DUPLICATE = "exact duplicate line"
OWNERS = "order of several customers"
# All that was paid for an order has come back; a free order is another thing.
GIVEN_BACK = "(max(amount) > 0 AND abs(sum(amount)) < 1e-6)"
_CURRENCY = Note("load.currency_rows", "{currency} ({n} row)", "{currency} ({n} rows)", n=0)


class Judge:
    """Judges the rows of a file by its mapping and by the rules of its canonical table.

    Makes the table `judged`: a row a row of the file, with the canonical columns and, where it is
    not kept, the place of its reason in `reasons`.
    """

    def __init__(self, values, kind):
        self.values, self.kind = values, kind
        self.raw, self.mapping, self.work = values.raw, values.mapping, values.raw.workspace
        self.columns = {}
        self.reasons, self.whole = [], []
        self.several_possible = False
        # What one pass over the file wrote, and whether rows it kept were refused since.
        self.done, self.more = None, False

    def run(self):
        """Judge every row; rules over rows that are kept come last."""
        known = schemas.columns(self.kind, self.mapping["columns"])
        rules = self._mapping_rules()
        problems = list(self.raw.unmatched)
        for name, arg in self.mapping["columns"].items():
            atom = self.values.make(name, known[name].kind, arg)
            self.columns[name] = (atom.sql, known[name].kind)
            problems += [(f"({sql})", reason) for sql, reason in atom.problems]
        problems += self._currency()
        problems += self._table_rules(known)
        conditions = list(dict.fromkeys([*rules, *problems]))
        self.reasons = [reason for _, reason in conditions]
        self._judge(conditions)
        self._over_rows()

    def column(self, name):
        """Return the column of `judged` that holds a canonical one.

        An attribute of the user's own may be called as one of ours, and has another name there.
        """
        own = name not in schemas.TABLES[self.kind] and name != "currency"
        return f"own{list(self.columns).index(name)}" if own else name

    def code(self, reason):
        """Return the place of a reason, a new one where it has none."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason)

    def _mapping_rules(self):
        rules = []
        for rule in self.mapping.get("reject") or ():
            sql = self._matches(rule)
            reason = rule.get("reason") or "rejected by the mapping"
            if not isinstance(reason, str):
                raise _no_rule(rule)
            if rule.get("whole"):
                self.whole.append((sql, reason, self._key_of(rule["whole"])))
            else:
                rules.append((sql, reason))
        return rules

    def _key_of(self, name):
        """Return the SQL of what a rule holds whole: a canonical column, else one of the file."""
        arg = self.mapping["columns"].get(name, name)
        return self.values.expressions.words(arg).sql

    def _matches(self, rule):
        """Return the SQL of where a rule of the mapping holds."""
        test = _test_of(rule)
        value, expressions = rule[test], self.values.expressions
        atom = expressions.column(str(rule["column"]))
        text = expressions.words(str(rule["column"])).sql
        where = Note(
            "load.reject_column", "mapping, reject, column '{column}'", column=str(rule["column"])
        )
        if test == "missing":
            return f"({text} IS {'' if value else 'NOT '}NULL)"
        if test in ("at_most", "at_least"):
            return self._compares(atom, test, value, where)
        if test == "one_of" and not isinstance(value, list):
            raise InputError(
                "load.error_reject_list",
                "{where}: one_of needs a list, found {value}",
                where=where,
                value=repr(value),
            )
        if test == "starts_with":
            return f"coalesce(starts_with({text}, {literal(value)}), false)"
        listed = ", ".join(literal(_word(v)) for v in (value if test == "one_of" else [value]))
        return f"coalesce({text} IN ({listed}), false)"

    def _compares(self, atom, test, value, where):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise InputError(
                "load.error_reject_number",
                "{where}: {test} needs a number, found {value}",
                where=where,
                test=test,
                value=repr(value),
            )
        number = self.values.as_number(atom)
        sql = next((s for s, step in self.values.steps.items() if step == number.sql), number.sql)
        filled, read = self.work.row(
            f"SELECT count({atom.sql}), count({sql}) FROM {self.raw.relation}"
        )
        if filled and not read:
            raise InputError(
                "load.error_reject_no_numbers",
                "{where}: {test} compares numbers, and the column holds none",
                where=where,
                test=test,
            )
        sign = "<=" if test == "at_most" else ">="
        return f"coalesce({number.sql} {sign} {value!r}, false)"

    def _currency(self):
        """Settle the one currency of an analysis; the rows of others are refused."""
        told, problems = self.mapping.get("currency"), []
        if "currency" in self.columns:
            problems.append(('"currency" IS NULL', "currency: missing"))
            if told:
                other = f'upper("currency") <> {literal(told.upper())}'
                problems.append((other, "other currency"))
            self.several_possible = not told
        elif told:
            self.columns["currency"] = (literal(told), "word")
        for signs, text in self.values.signs.values():
            problems += self._signs(signs, text, told)
        return problems

    def _signs(self, signs, text, told):
        """Hold the signs beside numbers to one currency; rows with another are refused."""
        if not told:
            if len({numbers.currency_of(sign) for sign, _ in signs}) > 1:
                raise several_currencies(self.values.path, signs)
            return []
        others = [sign for sign, _ in signs if not numbers.may_be(sign, told)]
        if not others:
            return []
        listed = ", ".join(map(literal, others))
        sign = self.values.step(f"{numbers.sign_of(text)} IN ({listed})")
        return [(sign, "other currency")]

    def _table_rules(self, known):
        """Return what no value of the canonical table may be, in the order it is asked."""
        present = {name: known[name] for name in self.columns if name in known}
        found = [(f'"{name}" IS NULL', f"{name}: missing") for name in self._needed()]
        for name in sorted(present):
            column = present[name]
            if column.required:
                found.append((f'"{name}" IS NULL', f"{name}: missing"))
            if column.kind == "number":
                found.append((f'NOT isfinite("{name}")', f"{name}: not a finite number"))
        for name, column in present.items():
            if column.kind == "time":
                found.append((f'"{name}" > {_tomorrow()}', f"{name}: in the future"))
                found.append((f"\"{name}\" < TIMESTAMP '1970-01-01'", f"{name}: before 1970"))
        return found + self._negative(present)

    def _needed(self):
        """Return the optional columns that must be filled here."""
        lines = self.kind == "order_lines"
        needed = [c for c in ("customer_id", "ordered_at") if lines and c in self.columns]
        required = self.mapping.get("require") or ()
        for name in required:
            if name not in self.columns:
                raise unknown("mapping, require", "column", name, self.mapping["columns"])
        return list(dict.fromkeys((*required, *needed)))

    def _negative(self, present):
        if self.mapping.get("negative", "reject") != "reject":
            return []
        return [
            (f'"{name}" < 0', f"{name}: negative")
            for name, column in present.items()
            if column.kind == "number" and name in NOT_NEGATIVE
        ]

    def _judge(self, conditions):
        """Work every value out once, and give each row its first reason."""
        raw = list(self.raw.columns.values())
        raw += [*self.raw.kinds.values(), *(sql for sql, _ in self.raw.unmatched)]
        steps = "".join(f", {sql} AS {name}" for sql, name in self.values.steps.items())
        named = {self.column(name): sql for name, (sql, _) in self.columns.items()}
        shown = ", ".join(f'{sql} AS "{name}"' for name, sql in named.items())
        whole = "".join(
            f", CAST(coalesce({sql}, false) AS BOOLEAN) AS w{i}, {key} AS wk{i}"
            for i, (sql, _, key) in enumerate(self.whole)
        )
        code, passes = self._code_of(conditions), self._at_once()
        names = ", ".join(f'"{name}"' for name in named)
        names += self._for_orders() if passes else ""
        kept = "".join(f", w{i}, wk{i}" for i in range(len(self.whole)))
        hashed = f"hash({', '.join(self.raw.columns.values())})"
        # Rows judged while they are read are numbered by their place in the table they make.
        number = "" if self.raw.whole else f"{ROW}, "
        rows = f"""SELECT {number}_row_hash, CAST({code} AS SMALLINT) AS _refusal{kept}, {names}
            FROM (
              SELECT *, {shown}{whole} FROM (
                SELECT {number}{hashed} AS _row_hash, {", ".join(dict.fromkeys(raw))}{steps}
                FROM {self.raw.whole or self.raw.relation}))"""
        if passes:
            self._pass(rows)
        else:
            self.work.run(f"CREATE OR REPLACE TEMP TABLE judged_rows AS {rows}")
        self.work.run(
            f"CREATE OR REPLACE TEMP TABLE more_refused ({ROW} BIGINT, _refusal SMALLINT)"
        )
        self._name_rows()
        if self.raw.whole:
            self._must_hold_for_all()

    def _code_of(self, conditions):
        """Return the SQL of the place of a row's first reason; NULL where it is kept so far."""
        cases = [f"WHEN {sql} THEN {DOUBTED}" for sql in dict.fromkeys(self.values.doubts)]
        cases += [f"WHEN {sql} THEN {i}" for i, (sql, _) in enumerate(conditions)]
        if self._at_once() and self.whole:
            # The row of a rule over whole orders goes in the pass, the rest of its order after it.
            cases.append(f"WHEN w0 THEN {self.code(self.whole[0][1])}")
        return f"CASE {' '.join(cases)} END" if cases else "NULL"

    def _at_once(self):
        """Say whether one pass may write what is kept: of rules over whole orders one, by a
        canonical column, needs no more.
        """
        one = not self.whole or (len(self.whole) == 1 and self._whole_by() is not None)
        return bool(self.raw.whole and self.raw.draft) and one

    def _whole_by(self):
        """Return the canonical column that is what the first rule holds whole, or None."""
        key = self.whole[0][2]
        return next((self.column(n) for n, (sql, _) in self.columns.items() if sql == key), None)

    def _for_orders(self):
        """Return the columns by which lines become orders while they pass; none where they do not,
        or orders have more columns.
        """
        needed = {"order_id", "customer_id", "ordered_at", "amount"} <= set(self.columns)
        if self.kind != "order_lines" or not needed or self.of_orders():
            return ""
        return f", hash(order_id) AS {at_once.ORDER}, hash(customer_id) AS {at_once.WHO}"

    def _pass(self, rows):
        """Judge and write the rows in one pass."""
        named = {self.column(name): name for name in self.columns}
        done = at_once.Pass(self.raw.draft, named, at_once.ORDER in rows, DOUBTED)
        self.done = done
        done.run(self.work.stream(rows, at_once.BATCH))
        if done.doubted or not done.kept:
            raise Doubt
        at_once.views(self, done)
        self.raw.place = done.rows_at

    def _must_hold_for_all(self):
        """Raise Doubt where what the first rows showed does not hold for the whole file."""
        odd = self.work.forget_rejects()
        if self.done is not None:
            if odd or self.done.rows != self.raw.rows:
                raise Doubt
            return
        rows, doubted = self.work.row(
            f"SELECT count(*), count(*) FILTER (_refusal = {DOUBTED}) FROM judged_rows"
        )
        if odd or doubted or rows != self.raw.rows:
            raise Doubt

    def _name_rows(self, more=False):
        """Make the views `judged` of all rows and `alive` of those without a reason so far.

        Reasons found over several rows stand in a table of their own: to change rows scattered
        over a large table costs the engine more than to read it.
        """
        numbered = self.done is not None or not self.raw.whole
        number = "" if numbered else f"j.rowid AS {ROW}, "
        place = f"j.{ROW}" if numbered else "j.rowid"
        alive = "judged_rows" if self.done is None else "kept_rows"
        code, joined, apart = "", "", ""
        if more:
            code = " REPLACE (coalesce(j._refusal, m._refusal) AS _refusal)"
            joined = f" LEFT JOIN more_refused m ON m.{ROW} = {place}"
            apart = f" ANTI JOIN more_refused m ON m.{ROW} = {place}"
        rows = f"SELECT {number}j.*"
        self.work.run(
            f"CREATE OR REPLACE TEMP VIEW judged AS {rows}{code} FROM judged_rows j{joined}"
        )
        self.work.run(
            f"CREATE OR REPLACE TEMP VIEW alive AS {rows} FROM {alive} j{apart} "
            "WHERE j._refusal IS NULL"
        )

    def _over_rows(self):
        """Apply the rules over several rows, each to those that are left by then."""
        for i, (_, reason, _) in enumerate(self.whole):
            if self.done is None:
                self._refuse(f"w{i} OR wk{i} IN (SELECT wk{i} FROM judged WHERE w{i})", reason)
            elif self.done.refused_rows is not None:
                keys = "SELECT wk0 FROM refused_here WHERE w0"
                self._refuse(f'"{self._whole_by()}" IN ({keys})', reason)
        if self.several_possible:
            self._several_currencies()
        if self.kind == "order_lines":
            self._orders()
        if self.kind in schemas.UNIQUE:
            self._unique(schemas.UNIQUE[self.kind])

    def _refuse(self, condition, reason):
        """Refuse the rows that have no reason yet and for which a condition holds."""
        count = self.work.one(
            f"INSERT INTO more_refused SELECT {ROW}, {self.code(reason)} FROM {ALIVE} "
            f"WHERE {condition}"
        )
        if count:
            self.more = True
            self._name_rows(more=True)

    def _orders(self):
        """Refuse orders of several customers, and those of which a line was refused."""
        if "customer_id" in self.columns and not self.orders_written():
            self._add_up()
            several = "SELECT order_id FROM orders WHERE several_customers"
            if self.work.one(f"SELECT count(*) FROM ({several})"):
                self._refuse(f"order_id IN ({several})", OWNERS)
        if self.mapping.get("incomplete", "reject") == "reject":
            parts = (
                "SELECT order_id FROM judged WHERE _refusal IS NOT NULL AND order_id IS NOT NULL"
            )
            if self.work.one(f"SELECT count(*) FROM ({parts})"):
                self._refuse(f"order_id IN ({parts})", ANOTHER_LINE)

    def _add_up(self):
        """Make the table `orders` of the lines that are kept so far."""
        also = "".join(f", min({c}) AS {c}" for c in self.of_orders())
        moment = "min(ordered_at)" if "ordered_at" in self.columns else "NULL"
        # Any customer will do: an order of several is refused, and integers are compared sooner.
        self.work.run(
            f"""CREATE OR REPLACE TEMP TABLE orders AS
            SELECT order_id, any_value(customer_id) AS customer_id,
              min(hash(customer_id)) <> max(hash(customer_id)) AS several_customers,
              {moment} AS ordered_at, sum(amount) AS amount{also}, {GIVEN_BACK} AS given_back,
              count(*) AS lines
            FROM {ALIVE} GROUP BY order_id"""
        )

    def orders_written(self):
        """Say whether the pass wrote the orders of exactly the lines that are kept."""
        done = self.done
        return bool(done and done.orders and done.orders.together and not self.more)

    def take_rows(self, path):
        """Let the file that the pass wrote be that of the rows kept; False where it is not."""
        if self.done is None or self.more:
            return False
        self.done.move(path)
        at_once.views(self, self.done)
        return True

    def forget(self):
        """Remove what the pass wrote and nobody took."""
        if self.done is not None:
            self.work.run("DROP VIEW IF EXISTS judged_rows; DROP VIEW IF EXISTS kept_rows")
            self.done.forget()

    def of_orders(self):
        """Return the columns of lines that orders have too."""
        return [c for c in ("store_id", "channel", "side", "currency") if c in self.columns]

    def orders(self):
        """Bring the table `orders` up to date with the lines that are kept."""
        known = self.work.one("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'orders'")
        lines = known and self.work.one("SELECT coalesce(sum(lines), 0) FROM orders")
        if not known or lines != self.work.one(f"SELECT count(*) FROM {ALIVE}"):
            self._add_up()

    def _unique(self, key):
        """Keep one row a key, whatever the order of the file: the first in time, then by what
        stands in the row.
        """
        keys = ", ".join(f'"{k}"' for k in key)
        if not len(self._repeated(f"hash({keys})")):
            return
        doubled = f"SELECT {keys} FROM {ALIVE} GROUP BY {keys} HAVING count(*) > 1"
        if not self.work.one(f"SELECT count(*) FROM ({doubled})"):
            return
        times = [n for n, (_, kind) in self.columns.items() if kind == "time"]
        rest = [n for n in self.columns if n not in times]
        order = ", ".join(f'"{self.column(n)}" NULLS LAST' for n in (*times, *rest))
        later = f"""SELECT {ROW} FROM (
            SELECT {ROW}, row_number() OVER (PARTITION BY {keys} ORDER BY {order}, {ROW}) AS place
            FROM {ALIVE} WHERE ({keys}) IN ({doubled})) WHERE place > 1"""
        self._refuse(f"{ROW} IN ({later})", f"{key[0]}: duplicate key")

    def _repeated(self, hashed):
        """Return the hashes that more than one of the rows kept so far has; sorted integers show
        them at a small part of what groups of rows cost.
        """
        import numpy as np

        if self.done is not None and hashed == "_row_hash":
            found = self.done.hashes.copy()
        else:
            rows = self.work.one("SELECT count(*) FROM judged_rows")
            found = self.work.array(f"SELECT {hashed} FROM {ALIVE}", rows)
        found.sort()
        return np.unique(found[1:][found[1:] == found[:-1]])

    def duplicates(self):
        """Return how many of the rows kept are exact duplicates of another; refused with
        `duplicates: drop`.
        """
        import pyarrow as pa

        repeated = self._repeated("_row_hash")
        if not len(repeated):
            return 0
        self.work.table_from("repeated", pa.table({"_row_hash": repeated}))
        rows = f"{ALIVE} JOIN repeated USING (_row_hash)"
        if self.done is not None:
            self.work.table_from("hashed", self.done.places_of(repeated))
            rows = f"hashed SEMI JOIN {ALIVE} USING ({ROW})"
        self.work.run(
            f"CREATE OR REPLACE TEMP TABLE alike AS SELECT {ROW}, _row_hash, "
            f"min({ROW}) OVER (PARTITION BY _row_hash) AS first FROM {rows}"
        )
        self.raw.bring(f"SELECT {ROW} FROM alike")
        same = " AND ".join(f"a.{c} IS NOT DISTINCT FROM b.{c}" for c in self.raw.columns.values())
        self.work.run(
            f"""CREATE OR REPLACE TEMP TABLE duplicates AS
            SELECT d.{ROW} FROM alike d
            JOIN {self.raw.relation} a ON a.{ROW} = d.{ROW}
            JOIN {self.raw.relation} b ON b.{ROW} = d.first
            WHERE d.{ROW} > d.first AND {same}"""
        )
        count = self.work.one("SELECT count(*) FROM duplicates")
        if count and self.mapping.get("duplicates") == "drop":
            self._refuse(f"{ROW} IN (SELECT {ROW} FROM duplicates)", DUPLICATE)
        return count

    def _several_currencies(self):
        found = self.work.rows(
            f"SELECT upper(currency), count(*) FROM {ALIVE} WHERE currency IS NOT NULL "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        if len(found) > 1:
            raise several_currencies(self.values.path, found)


# Rows without a reason so far.
ALIVE = "alive"
# The code of a row that is written otherwise than the first ones.
DOUBTED = -1


def several_currencies(path, found):
    """Return the error of amounts in several currencies: (currency, rows) each."""
    return DataError(
        Note(
            "load.error_currencies",
            "{path}: several currencies: {found}. One analysis has one currency: convert them "
            "first, or keep one with `currency:` in the mapping; the other rows are then "
            "refused and counted.",
            path=path,
            found=[_CURRENCY.having(currency=k, n=v) for k, v in found],
        )
    )


def _word(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tomorrow():
    from datetime import UTC, datetime, timedelta

    latest = (datetime.now(UTC) + timedelta(days=1)).replace(tzinfo=None)
    return f"TIMESTAMP '{latest}'"


def _test_of(rule):
    named = (
        [k for k in rule if k not in ("column", "reason", "whole")]
        if isinstance(rule, dict)
        else []
    )
    if len(named) != 1 or named[0] not in TESTS or "column" not in rule:
        raise _no_rule(rule)
    return named[0]


def _no_rule(rule):
    return InputError(
        "load.error_reject_rule",
        "mapping, reject: each rule needs `column:`, `reason:` and one of {tests:text}; "
        "found {rule}",
        tests=list(TESTS),
        rule=str(rule),
    )
