"""What holds on every page, whoever opens it: tests/browser.py and tests/window.py look at each that they get."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browser import Page


def look_at(page: "Page") -> None:
    where, document = page.path, page.document
    policy = page.answer.headers.get("content-security-policy", "")
    assert "default-src 'self'" in policy, where
    assert "unsafe" not in policy, where
    assert page.answer.headers["cache-control"] == "no-store", where
    assert len(document.cssselect("h1")) == 1, f"{where}: one h1"
    named = [word for word in document.cssselect("h1")[0].text_content().split() if word != "·"]
    assert len(named) == len(set(named)), f"{where}: said twice: {named}"
    for live in document.cssselect("#live[hx-get]"):
        # beside the heading, or said of the whole: what was before stays as it was
        still = [tag.text for tag in document.cssselect("h1 + .tag") if live not in tag.iterancestors()]
        assert still == [], f"{where}: {still} stay as they were while the rest of the page goes on"
    assert not document.cssselect("[style], style, script:not([src])"), f"{where}: inline style or script"
    handlers = [a for element in document.iter() for a in element.attrib if a.startswith(("on", "hx-on"))]
    assert handlers == [], f"{where}: {handlers}"
    for element in document.cssselect("[src], link[href]"):
        address = element.get("src") or element.get("href")
        assert address.startswith(("/", "data:image")), f"{where}: {address}"
    for inputs in document.cssselect("input:not([type=hidden]), select, textarea"):
        labelled = inputs.get("aria-label") or inputs.getparent().tag == "label" or inputs.iterancestors("label")
        named = document.cssselect(f"label[for='{inputs.get('id')}']") if inputs.get("id") else []
        assert labelled or named, f"{where}: no label for {inputs.get('name')}"
    identified = [element.get("id") for element in document.cssselect("[id]")]
    assert len(identified) == len(set(identified)), f"{where}: an id twice"
    for form in document.forms:
        if (form.get("method") or "").lower() == "post":
            assert form.cssselect("input[name=form_key]"), f"{where}: a form without its key"
