"""A report's page on paper: a tagged PDF with headings and page numbers, made without a browser."""

import logging

from workbench.errors import InputError, first_line


def require():
    """Return the library that sets pages.

    Raises InputError where it, or a system library it needs, is missing.
    """
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise InputError(
            "reports.error_pdf",
            "--pdf: WeasyPrint cannot be used here ({reason}). Install the extra 'pdf' of this "
            "package; on Linux and macOS it needs the system library Pango too",
            reason=first_line(error),
        ) from None
    return weasyprint


def sheets(page):
    """Return how many sheets a page's HTML takes."""
    weasyprint = require()
    from weasyprint.urls import URLFetcher

    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    fetcher = URLFetcher(allowed_protocols={"data"})
    return len(weasyprint.HTML(string=page, url_fetcher=fetcher).render().pages)


def write(page, path):
    """Write a report's page as PDF/UA; nothing is fetched: the page brings all it shows."""
    weasyprint = require()
    from weasyprint.urls import URLFetcher

    # It tells of every property of a screen that paper does not know.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    fetcher = URLFetcher(allowed_protocols={"data"})
    document = weasyprint.HTML(filename=str(page), url_fetcher=fetcher)
    document.write_pdf(str(path), pdf_variant="pdf/ua-1")
