"""The journey map as a page: stages side by side, the curve above, and under it what people do,
say and miss there.
"""

import base64
from dataclasses import dataclass

import numpy as np

from workbench.display import writing
from workbench.display.languages import naming
from workbench.display.marks import COLOURS, GREY, RULES
from workbench.display.templates import fill
from workbench.display.withholding import answer_of, withheld_rows
from workbench.notes import Note
from workbench.results import Result, is_built_in, withheld

ALL = "all"
WIDE, HIGH, EDGE = 1200, 250, 26  # of the drawing, in its own units
ROWS = {
    "touchpoints": Note("page.touchpoints", "Where they come"),
    "on": Note("page.on", "Who goes on, and when"),
    "said": Note("page.said", "What they say"),
    "pains": Note("page.pains", "What hurts"),
    "quotes": Note("page.quotes", "In their words"),
    "opportunity": Note("page.opportunity", "Where to look first"),
}
FEELING = Note("page.feeling", "How they feel")
TITLE = Note("page.title", "The customer journey on one page")
REACHED = Note("page.reached", "{share} of all ({n:0} customers)", share="", n=0)
GO_ON = Note("page.go_on", "{share} go on ({low} to {high})", share="", low="", high="")
AFTER = Note("page.after", "half of them within {days:2} days", days=0)
LAST = Note("page.last", "the end of the journey")
SCORE = Note("page.score", "{what:word} {value:2} ({low:2} to {high:2}; n = {n})", n=0)
MISSES = Note("page.misses", "{share} speak ill of {what:word} ({count} of {n} texts)", n=0)
NOBODY = Note("page.nobody", "too few to say")
LINES = {
    "everybody": Note("page.everybody", "everybody, by model"),
    "answered": Note("page.answered", "those who answered"),
    "never_answered": Note("page.never", "who never answered, by model"),
    "mean": Note("page.mean", "those who answered"),
}
SCORES = ("satisfaction", "effort", "sentiment")


@dataclass(frozen=True, eq=False)
class Page:
    """A journey map with its curve and quotes, ready to be written in the language in use.

    `result` of `experience.journey_map`, `curve` of `emotion_curve` or `latent_curve`, `quotes` of
    `voice.quotes` by stage (None: none), `title` (None: ours).
    """

    result: Result
    curve: Result
    quotes: Result | None = None
    title: str | None = None

    def page(self, css: str = "") -> str:
        """Return one page of A3 as HTML that stands on its own."""
        return self._filled("journey_page.html.j2", css=css)

    def view(self) -> str:
        """Return the same for a notebook: the curve, and a fold a stage."""
        return self._filled("journey_view.html.j2")

    def _filled(self, template, **more):
        with naming(is_built_in(self.result)):
            return fill(template, **self._values(), **more)

    def _values(self):
        table = self.result.table[~withheld_rows(self.result.table)]
        stages = list(dict.fromkeys(self.result.table["stage"]))
        best = table.loc[table["measure"] == "opportunity", "estimate"].max()
        return {
            "title": self.title or str(TITLE),
            "language": writing.languages.language(),
            "stages": [self._stage(table[table["stage"] == s], s, best) for s in stages],
            "rows": {name: str(note) for name, note in ROWS.items()},
            "feeling": str(FEELING),
            "curve": self._drawn(stages),
            "answers": [str(answer_of(r)) for r in (self.result, self.curve) if answer_of(r)],
            "limits": [str(n) for n in self._limits()],
            "question": str(self.result.question),
        }

    def _limits(self):
        notes = dict.fromkeys((*self.result.limits, *self.curve.limits))
        notes |= dict.fromkeys(self.quotes.limits if self.quotes is not None else ())
        return [withheld(note) for note in notes]

    def _stage(self, rows, stage, best):
        whole = _cells(rows[rows["touchpoint"] == ALL])
        places = [p for p in dict.fromkeys(rows["touchpoint"]) if p != ALL]
        pains = rows[(rows["touchpoint"] == ALL) & (rows["measure"] == "pain")]
        reach, chance = whole.get("reach"), whole.get("opportunity")
        return {
            "name": writing.key(stage, "stage"),
            "reach": _reached(reach),
            "touchpoints": [_place(_cells(rows[rows["touchpoint"] == p]), p) for p in places],
            "on": _on(whole),
            "said": [_score(name, whole[name]) for name in SCORES if name in whole],
            "pains": [_pain(row) for row in pains.to_dict("records")],
            "quotes": self._said(stage),
            "opportunity": _opportunity(chance, best),
        }

    def _said(self, stage):
        if self.quotes is None:
            return []
        table = self.quotes.table
        # A column that is called as one of ours stands as the group.
        named = next((c for c in ("stage", "group") if c in table), None)
        if named is None:
            return []
        rows = table[table[named] == stage]
        rows = rows[rows["tone"].isin(["negative", "positive"]) & (rows["place"] == 1)]
        return [{"tone": r["tone"], "text": str(r["quote"])} for r in rows.to_dict("records")]

    def _drawn(self, stages):
        """Return what a drawing of the curve holds: lines, bands, marks and rules."""
        lines = _lines(self.curve)
        values = np.concatenate(
            [l[["conf_low", "conf_high"]].to_numpy(float).ravel() for _, l in lines]
        )
        low, high = np.floor(np.nanmin(values) * 2) / 2, np.ceil(np.nanmax(values) * 2) / 2
        across = {s: (k + 0.5) * WIDE / len(stages) for k, s in enumerate(stages)}

        def up(value):
            return round(float(HIGH - EDGE - (value - low) / (high - low) * (HIGH - 2 * EDGE)), 1)

        ticks = np.arange(low, high + 0.01, 0.5 if high - low <= 2 else 1.0)
        drawing = {
            "wide": WIDE,
            "high": HIGH,
            "grey": GREY,
            "line": RULES,
            "rules": [{"y": up(t), "text": writing.number(float(t), 2)} for t in ticks],
            "bars": [round(x, 1) for x in across.values()],
            "lines": [],
        }
        for k, (name, rows) in enumerate(lines):
            rows = rows[rows["stage"].isin(stages)]
            drawing["lines"].append(_line(name, rows, COLOURS[k], across, up, first=k == 0))
        for k, line in enumerate(drawing["lines"]):
            line["key"] = 8 + 230 * k
        drawing["image"] = base64.b64encode(
            fill("journey_curve.svg.j2", curve=drawing).encode()
        ).decode()
        return drawing


def _cells(rows):
    return {r["measure"]: r for r in rows.to_dict("records") if r["measure"] != "pain"}


def _reached(row):
    if row is None:
        return str(NOBODY)
    return str(REACHED.having(share=writing.percent(row["estimate"], 0), n=int(row["count"])))


def _place(cells, name):
    """Return a touchpoint: its name, reach as a bar, and satisfaction."""
    reach, said = cells.get("reach"), cells.get("satisfaction")
    return {
        "name": writing.key(name, "touchpoint"),
        "share": writing.percent(reach["estimate"], 0) if reach else "",
        "bar": round(100 * reach["estimate"]) if reach else 0,
        "score": writing.number(said["estimate"], 2) if said else "–",
    }


def _on(cells):
    row, days = cells.get("conversion"), cells.get("days")
    if row is None:
        return [str(LAST)]
    share, low, high = (writing.percent(row[c], 0) for c in ("estimate", "conf_low", "conf_high"))
    made = [str(GO_ON.having(share=share, low=low, high=high))]
    return [*made, *([str(AFTER.having(days=days["estimate"]))] if days else [])]


def _score(name, row):
    return str(
        SCORE.having(
            what=name,
            value=row["estimate"],
            low=row["conf_low"],
            high=row["conf_high"],
            n=int(row["n"]),
        )
    )


def _pain(row):
    share = writing.percent(row["estimate"], 0)
    count, n = int(row["count"]), int(row["n"])
    return str(MISSES.having(share=share, what=row["aspect"], count=count, n=n))


def _opportunity(row, best):
    if row is None or not best > 0:
        return {"bar": 0, "text": str(NOBODY)}
    ends = (writing.number(row[c], 2) for c in ("estimate", "conf_low", "conf_high"))
    text = "{} ({} – {})".format(*ends)
    return {"bar": round(100 * row["estimate"] / best), "text": text}


def _lines(curve):
    """Return the names and rows of the lines of a curve."""
    table = curve.table
    if "group" in table:
        order = [
            g for g in ("everybody", "answered", "never_answered") if (table["group"] == g).any()
        ]
        return [(g, table[table["group"] == g]) for g in order]
    return [("mean", table[table["measure"] == "mean"])]


def _line(name, rows, colour, across, up, *, first):
    """Return a line as points of a drawing, with its band and what is marked on it."""
    rows = rows.dropna(subset=["estimate", "conf_low", "conf_high"])
    rows = rows[~withheld_rows(rows)]
    x = [round(across[s], 1) for s in rows["stage"]]

    def path(column):
        return [f"{a},{up(v)}" for a, v in zip(x, rows[column], strict=True)]

    bounds = first and "bound_low" in rows and rows["bound_low"].notna().all()
    marks = []
    if first and "mark" in rows:
        top = rows["estimate"].max()
        for at, row in zip(x, rows.to_dict("records"), strict=True):
            if row["mark"]:
                above = row["estimate"] >= top
                y = up(row["conf_high"]) - 8 if above else up(row["conf_low"]) + 16
                text = f"{writing.word(row['mark'])} {writing.number(row['estimate'], 2)}"
                marks.append({"x": at, "y": round(y, 1), "text": text})
    return {
        "name": str(LINES[name]),
        "colour": colour,
        "first": first,
        "points": " ".join(path("estimate")),
        "dots": [p.split(",") for p in path("estimate")],
        "band": " ".join([*path("conf_low"), *path("conf_high")[::-1]]),
        "bounds": " ".join([*path("bound_low"), *path("bound_high")[::-1]]) if bounds else "",
        "marks": marks,
    }
