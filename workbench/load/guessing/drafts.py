"""Which layout a file has, and the drafts that come of it."""

from workbench.load.guessing import shops, surveys, web
from workbench.load.guessing.general import general
from workbench.load.guessing.peek import peek

# The layouts of one file, the plainest mark first; a survey by its shape comes last.
LAYOUTS = (
    shops.shopify,
    shops.stripe,
    shops.woocommerce,
    shops.online_retail,
    web.ga4,
    web.matomo,
    surveys.qualtrics,
    surveys.qualtrics_legacy,
    surveys.survey_monkey,
    surveys.two_headers,
    surveys.wide,
)


def guess(*files):
    """Return drafts of mappings for files: one for a set that belongs together, else one a file.

    Parameters
    ----------
    *files : str or Path

    Returns
    -------
    list of Draft
        `.text(target)` is the YAML, with a comment beside every doubt and `# ?` before what the
        file cannot say; `.questions` then counts those.

    Raises
    ------
    InputError
        For a file that is not there or of a kind that cannot be looked into.
    """
    peeks = [peek(path) for path in files]
    together = shops.olist(peeks)
    return [together] if together else [draft(one) for one in peeks]


def draft(one):
    """Return the draft of one file: of the first layout it has."""
    return next((found for found in (layout(one) for layout in LAYOUTS) if found), None) or general(
        one
    )
