"""HTML comes from templates that escape everything but what a template made."""

import pytest

from workbench.display import templates

HOSTILE = "<script>alert('x')</script> \"a\" & b"


def test_every_value_is_escaped():
    page = templates.fill("conclusion.html.j2", lines=[(HOSTILE, HOSTILE)])
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2


def test_what_a_template_made_is_html_in_the_next_one():
    inner = templates.fill("conclusion.html.j2", lines=[("a < b", "descriptive")])
    page = templates.fill(
        "result.html.j2", answer="", unsaid=False, table=inner, foot="n = 1", limits=[HOSTILE]
    )
    assert "<strong>a &lt; b</strong>" in page
    assert "<script" not in page


def test_a_value_keeps_its_own_line_breaks_and_blanks():
    page = templates.fill("conclusion.html.j2", lines=[("one\n  two", "x")])
    assert "one\n  two" in page


def test_a_value_that_is_not_given_is_a_mistake():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        templates.fill("result.html.j2")
