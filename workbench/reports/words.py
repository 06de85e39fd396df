"""What notebooks say: headings, tables and reasons in the language of the report."""

import re

from workbench import display, results
from workbench.display import record, tables
from workbench.display.languages import naming
from workbench.errors import NotEnoughData, unknown
from workbench.load.source import CARD
from workbench.notes import Note
from workbench.reports import people

SORT = Note("result.sort", "sort by")
DOWN = Note("result.down", "largest first")
# Captions of tables that belong to no one analysis, by the name notebooks give them.
CAPTIONS = {
    "interests.breadth": Note(
        "table.interests_breadth",
        "Pairs that go together: lift as it is usually told, and what breadth leaves of it",
    ),
    "interviews.quotes": Note("table.interview_quotes", "Quotes by code, chosen by a fixed rule"),
    "voice.sheet": Note(
        "table.voice_sheet", "The first texts of a labelling sheet, personal data masked"
    ),
    "service.states": Note(
        "table.service_states", "Unhappy by their latest answer: how far each has been helped"
    ),
    "clv.published": Note(
        "table.clv_published", "BG/NBD: published, and from another tenth of the same customers"
    ),
    "clv.by_frequency": Note(
        "table.clv_by_frequency",
        "By repeat purchases so far: customers, mean probability of still being a customer, "
        "purchases and value to expect",
    ),
    "clv.best": Note("table.clv_best", "The customers of the highest value"),
    "clv.donors": Note("table.clv_donors", "Kinds of donors with the most gifts to expect"),
    "loyalty.before": Note(
        "table.loyalty_before", "Orders and amount per month before joining: members and others"
    ),
    "loyalty.brands": Note(
        "table.loyalty_brands",
        "Each brand: its share of purchases, buyers, purchases per buyer, and loyalty",
    ),
    "table.card": CARD,
    "table.log": Note("table.log", "What the log holds"),
    "table.grid": Note("table.grid", "The curve read at even distances: {question}", question=""),
    "table.kept": Note("table.kept", "What became of every purchase occasion"),
    "table.stages": Note("table.stages", "Events by stage"),
    "table.tasks": Note("table.tasks", "The first tasks as respondents see them"),
    "table.times": Note("table.times", "The first rows, one a customer"),
    "table.truth": Note("table.truth", "Estimate and truth side by side"),
    "table.likeliest": Note(
        "table.likeliest", "Customers with the highest probability of coming back"
    ),
    "table.cohorts_ahead": Note(
        "table.cohorts_ahead",
        "Cohorts from which most is expected over {ahead} periods (–: customers still to come)",
        ahead=0,
    ),
    "table.crosswalk": Note("table.crosswalk", "Stages in seven frameworks"),
}


class Words:
    """Markdown for display, its values escaped."""

    def __init__(self, text):
        self.text = text

    def _repr_markdown_(self):
        return self.text

    def __repr__(self):
        return self.text


def heading(name):
    """Return the name of a source as a heading, for display above what was found in it."""
    return Words(f"### {_plain(display.word(name))}")


def prose_notice(language):
    """Say where the prose of a notebook stands in `language`; nothing in English.

    `workbench run` and `workbench open` put that prose in and take this line out.
    """
    from workbench.reports import prose

    if language in prose.LANGUAGES:
        return Words(prose.sentence(prose.ELSEWHERE, prose.SHARED))
    return None


def attempt(analysis, *args, **options):
    """Run an analysis; where the data are too few for it, return the reason as a sentence for
    display instead.

    A report on a young or small shop then loses one section, not all of them.
    """
    try:
        return analysis(*args, **options)
    except NotEnoughData as reason:
        return Unanswered(reason.note)


def explore(analysis, *args, **choices):
    """Return controls that run an analysis anew at every choice and let its table be sorted; for a
    live notebook.

    Each choice is a list of options or a pair (lowest, highest) of whole numbers. In a report there
    is nobody to choose: show the result itself there.
    """
    import ipywidgets
    from IPython.display import display

    controls = {
        name: (
            ipywidgets.IntSlider(
                min=given[0], max=given[1], description=name, continuous_update=False
            )
            if isinstance(given, tuple)
            else ipywidgets.Dropdown(options=given, description=name)
        )
        for name, given in choices.items()
    }
    by, down, out = (
        ipywidgets.Dropdown(options=[""], description=str(SORT)),
        ipywidgets.Checkbox(value=True, description=str(DOWN)),
        ipywidgets.Output(),
    )
    made = {}

    def show(_=None):
        table = made["result"].table
        out.clear_output(wait=True)
        with out:
            order = (
                table.sort_values(by.value, ascending=not down.value, kind="stable")
                if by.value in table
                else table
            )
            display(made["result"].figure(), Table(order, made["result"].question))

    def run(_=None):
        made["result"] = attempt(analysis, *args, **{name: c.value for name, c in controls.items()})
        if isinstance(made["result"], Unanswered):
            out.clear_output(wait=True)
            with out:
                display(made["result"])
            return
        by.options = ["", *made["result"].table.columns]
        show()

    for control in controls.values():
        control.observe(run, "value")
    by.observe(show, "value")
    down.observe(show, "value")
    run()
    return ipywidgets.VBox(
        [ipywidgets.HBox(list(controls.values())), ipywidgets.HBox([by, down]), out]
    )


class Unanswered(Words):
    """An analysis the data do not allow: it has a reason, and neither a figure nor a table or model
    of its own.

    `.reason` is the note of the error, said in the language in use.
    """

    table = model = None

    def __init__(self, reason):
        self.reason = reason

    @property
    def text(self):
        """The reason as a sentence; the name of the analysis before it is no news to a reader."""
        reason = re.sub(r"^\w+: ", "", str(self.reason))
        return str(Note("result.unanswered", "Not answered here: {reason}", reason=_plain(reason)))

    def figure(self):
        """Return nothing to draw."""
        return Words("")


class Table:
    """A plain table for display, captioned and escaped, small cells suppressed."""

    def __init__(self, table, caption):
        self.table, self.caption = table, caption

    def _repr_html_(self):
        with naming(results.is_built_in(self.table)):
            record.table(self.table, self.caption)
            return tables.table_html(self.table, self.caption)

    def __repr__(self):
        with naming(results.is_built_in(self.table)):
            return f"{self.caption}\n{tables.shown(self.table).to_string(index=False)}"


def table(frame, caption, like=None, *, show_customers="no", **values):
    """Return a table with a caption, for display in a notebook.

    The caption is a note, or the name of one in `CAPTIONS` with its values. `like` is the Result
    that the table was made from, where its marks were lost on the way: whether it is simulated, and
    whether its labels are ours. A table whose rows are single customers is left out unless
    `show_customers` is "hashed" (pseudonyms) or "ids".
    """
    frame = people.guard(frame, show_customers)
    if frame is None:
        return Words(str(people.LEFT_OUT))
    if like is not None:
        marks = {"built_in": results.is_built_in(like), "simulated": results.is_simulated(like)}
        frame.attrs.update(marks)
    said = _caption(caption, values)
    return Table(frame, results.simulated_question(said) if results.is_simulated(frame) else said)


def _caption(caption, values):
    if isinstance(caption, Note):
        return caption
    if caption in CAPTIONS:
        return CAPTIONS[caption].having(**values)
    raise unknown("table", "caption", caption, CAPTIONS)


def _plain(value):
    """Escape what Markdown or HTML would act on."""
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = "".join("\\" + sign if sign in "\\`*_{}[]#|" else sign for sign in text)
    # An address in a text stays text.
    return text.replace("://", "\\://")
