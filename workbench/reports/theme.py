"""The look of pages: the style sheet, with the colours and the logo of reports/theme/theme.yml."""

import base64
import html

from workbench.errors import InputError
from workbench.reports import publish

_PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}
_MOST_BYTES = 200_000


def css():
    """Return the style sheet of all pages, in the colours of the theme."""
    style = _folder() / "style.css"
    text = style.read_text(encoding="utf-8") if style.is_file() else ""
    said = " ".join(f"--{name}: {value};" for name, value in colours().items())
    return text + (f"\n:root {{ {said} }}\n" if said else "")


def colours():
    """Return the colours that the theme sets, by name; figures take them too."""
    return {name: value for name, value in settings().items() if name not in ("logo", "name")}


def logo():
    """Return the logo as a picture for a page, with its owner's name as its text; or nothing."""
    given = settings()
    if not given.get("logo"):
        return ""
    file = _folder() / str(given["logo"])
    kind = _PICTURES.get(file.suffix.lower())
    if file.parent != _folder() or kind is None or not file.is_file():
        raise _wrong("logo", given["logo"], "a .png, .jpg or .svg file beside theme.yml")
    if file.stat().st_size > _MOST_BYTES:
        raise _wrong("logo", given["logo"], f"at most {_MOST_BYTES} bytes")
    data = base64.b64encode(file.read_bytes()).decode()
    words = html.escape(str(given.get("name") or ""))
    return f'<img class="logo" src="data:{kind};base64,{data}" alt="{words}">'


def settings():
    """Return what reports/theme/theme.yml sets; a mistake in it is an InputError."""
    from workbench.reports import settings as models

    file = _folder() / "theme.yml"
    if not file.is_file():
        return {}
    given = models.read_yaml(file) or {}
    theme = models.checked(models.Theme, given, "reports/theme/theme.yml", models.keys_of_theme)
    return theme.model_dump(exclude_none=True)


def _folder():
    return publish.reports_folder() / "theme"


def _wrong(name, found, wanted):
    return InputError(
        "theme.error",
        "reports/theme/theme.yml, {name:text}: found {found:repr}; needed: {wanted:text}",
        name=str(name),
        found=found,
        wanted=wanted,
    )
