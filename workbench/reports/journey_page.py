"""The journey map on one page of A3: to look at in a notebook, and to hang on a wall."""

from dataclasses import dataclass
from pathlib import Path

from workbench.display.journey import Page
from workbench.errors import InputError
from workbench.reports import pdf
from workbench.results import Result


@dataclass(frozen=True, eq=False)
class JourneyPage:
    """A journey map as a page, in the language in use when it is shown or saved."""

    page: Page

    def _repr_html_(self):
        return self.page.view()

    def __repr__(self):
        return str(self.page.result.answer)

    def save(self, path: str | Path, *, paper: bool = True) -> Path:
        """Write the page as HTML, and beside it as a PDF of one sheet of A3.

        Parameters
        ----------
        path : str or Path
            Ends in .html.
        paper : bool
            Whether the PDF is made too; it needs the extra "pdf".

        Returns
        -------
        Path
            Of the PDF where it is made, else of the HTML.
        """
        path = Path(path)
        if path.suffix != ".html":
            raise InputError(
                "reports.error_page_path",
                "path: must end in {ending:text}, found {found:repr}",
                ending=".html",
                found=path.name,
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.page.page(), encoding="utf-8")
        if not paper:
            return path
        sheet = path.with_suffix(".pdf")
        pdf.write(path, sheet)
        return sheet


def journey_page(
    journey: Result, curve: Result, quotes: Result | None = None, *, title: str | None = None
) -> JourneyPage:
    """Put a journey map, its emotion curve and quotes on one page of A3.

    Parameters
    ----------
    journey : Result
        Of `experience.journey_map`.
    curve : Result
        Of `experience.emotion_curve` or `experience.latent_curve`.
    quotes : Result, optional
        Of `voice.quotes` by stage.
    title : str, optional

    Returns
    -------
    JourneyPage
        In a notebook a fold a stage; `.save("journey.html")` writes the page and its PDF.

    Raises InputError where the results are not those.
    """
    for name, result, wanted in (
        ("journey", journey, ("stage", "touchpoint", "measure", "aspect")),
        ("curve", curve, ("stage", "mark", "estimate")),
        *([("quotes", quotes, ("tone", "place", "quote"))] if quotes is not None else []),
    ):
        lacking = [c for c in wanted if c not in getattr(result, "table", ())]
        if lacking:
            raise InputError(
                "reports.error_page",
                "{name:text}: this is not the result it is made of; its table lacks {lacking:text}",
                name=name,
                lacking=lacking,
            )
    return JourneyPage(Page(journey, curve, quotes, title))
