"""What holds on every page, whoever opens it: tests/browser.py and tests/window.py look at each that they get."""

from typing import TYPE_CHECKING

from lxml import html

if TYPE_CHECKING:
    from tests.browser import Page


def select(document: html.HtmlElement, words: str) -> list[html.HtmlElement]:
    return document.cssselect(words)


def look_at(page: "Page") -> None:
    where, document = page.path, page.document
    policy = page.answer.headers.get("content-security-policy", "")
    assert "default-src 'self'" in policy, where
    assert "unsafe" not in policy, where
    # what anybody may look at is kept, and asked about each time
    kept = "private, no-cache" if where.startswith("/public/") and page.answer.is_success else "no-store"
    assert page.answer.headers["cache-control"] == kept, where
    assert len(select(document, "h1")) == 1, f"{where}: one h1"
    named = [word for word in select(document, "h1")[0].text_content().split() if word != "·"]
    assert len(named) == len(set(named)), f"{where}: said twice: {named}"
    for tag in select(document, "h1 + .tag, .head > .tag:first-child, .head > h2 + .tag")[:1]:
        # one thing's page: the tab says how it is, and which
        assert page.title.startswith(f"{tag.text_content()} · "), f"{where}: {page.title}"
    for live in select(document, "#live[hx-get]"):
        # beside the heading, or said of the whole: what was before stays as it was
        still = [tag.text for tag in select(document, "h1 + .tag") if live not in tag.iterancestors()]
        assert still == [], f"{where}: {still} stay as they were while the rest of the page goes on"
    assert not select(document, "[style], style, script:not([src])"), f"{where}: inline style or script"
    handlers = [a for element in document.iter() for a in element.attrib if a.startswith(("on", "hx-on"))]
    assert handlers == [], f"{where}: {handlers}"
    for element in select(document, "[src], link[href]"):
        address = element.get("src") or element.get("href")
        assert address.startswith(("/", "data:image")), f"{where}: {address}"
    labels = {label.get("for") for label in select(document, "label[for]")}
    for inputs in select(document, "input:not([type=hidden]), select, textarea"):
        within = next(inputs.iterancestors("label"), None)
        labelled = inputs.get("aria-label") or inputs.get("id") in labels or within is not None
        assert labelled, f"{where}: no label for {inputs.get('name')}"
    identified = [element.get("id") for element in select(document, "[id]")]
    assert len(identified) == len(set(identified)), f"{where}: an id twice"
    for form in document.forms:
        if (form.get("method") or "").lower() == "post":
            assert form.cssselect("input[name=form_key]"), f"{where}: a form without its key"
