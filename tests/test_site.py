"""The pages that `make docs` has built, in a browser: what a reader does, and what they load."""

from __future__ import annotations

import functools
import http.server
import io
import re
import shutil
import threading
from pathlib import Path

import pytest
from instruction_sets import once

from fastact.catalogue import CATALOGUE, ROW_CATALOGUE

PAGES = Path(__file__).parent.parent / "build" / "docs" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 800}

pytestmark = once


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    """Where the pages are served, on this machine alone."""
    if not PAGES.exists():
        pytest.skip("there are no pages: `make docs` builds them")
    handler = functools.partial(Handler, directory=str(PAGES))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(address):
    playwright = pytest.importorskip("playwright.sync_api", reason="`make docs` installs it")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens pages; in the end there must have been no error, and no request elsewhere."""
    wrong = []

    def requested(request):
        if not request.url.startswith((address, "data:")):
            wrong.append(request.url)

    contexts = []

    def opened(name, size=DESKTOP, scheme="light"):
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.on("request", requested)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(f"{address}{name}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def arrive(page, title):
    """Wait until a page is there, and assert that it is this one."""
    page.locator("h1", has_text=re.compile(rf"^{title}\b")).wait_for(timeout=10_000)
    page.wait_for_load_state()


def check_picture(locator):
    """Assert that there is a picture to see: loaded, of some size and not of one colour."""
    image = pytest.importorskip("PIL.Image")
    locator.scroll_into_view_if_needed()
    assert locator.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    box = locator.bounding_box()
    assert box["width"] > 150
    assert box["height"] > 100
    with image.open(io.BytesIO(locator.screenshot())) as seen:
        assert len(seen.convert("RGB").getcolors(1 << 24)) > 20


def check_formulas(page):
    """Assert that formulas are typeset: a fraction is higher than the text around it."""
    formulas = page.locator(".formula math")
    assert formulas.count() >= 2
    for i in range(formulas.count()):
        box = formulas.nth(i).bounding_box()
        assert box["height"] > 12
        assert box["width"] > 30
    return formulas


def test_gallery_shows_every_function_and_leads_to_its_page(open_page):
    page = open_page("index.html")
    page.get_by_role("link", name="gallery", exact=True).first.click()
    arrive(page, "Gallery")
    pictures = page.locator(".gallery img")
    names = [row.name for row in (*CATALOGUE, *ROW_CATALOGUE)]
    assert [pictures.nth(i).get_attribute("alt") for i in range(pictures.count())] == names
    for i in range(pictures.count()):
        check_picture(pictures.nth(i))
    page.locator(".gallery img[alt=mish]").click()
    arrive(page, "mish")
    check_picture(page.locator("img.picture").first)
    check_formulas(page)


def test_search_finds_a_function(open_page):
    page = open_page("gallery.html")
    page.locator("input[name=q]").first.fill("hyperbolic tangent")
    page.keyboard.press("Enter")
    page.locator("ul.search").get_by_role("link", name="tanh", exact=True).first.click()
    arrive(page, "tanh")
    pictures = page.locator("img.picture")
    assert pictures.count() == 2  # the function and its errors
    for i in range(2):
        check_picture(pictures.nth(i))


def test_formula_with_a_fraction_is_typeset(open_page):
    page = open_page("functions/sigmoid.html")
    formula = check_formulas(page).first
    above, below = (formula.locator("mfrac > *").nth(i).bounding_box()["y"] for i in range(2))
    assert above < below - 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_another_is_faster_is_marked_and_red(open_page, scheme):
    page = open_page("performance.html", scheme=scheme)
    found = page.locator("table.times .behind b").evaluate_all(
        "cells => cells.map(cell => [cell.textContent, getComputedStyle(cell).color])"
    )
    assert found
    for text, color in found:
        red, green, blue = map(int, color.strip("rgb()").split(","))
        assert text[0] in "▲△"
        assert red > max(green, blue) + 80
    rest = page.locator("table.times td:not(.behind)").evaluate_all(
        "cells => cells.map(cell => cell.textContent)"
    )
    assert [text for text in rest if "▲" in text or "△" in text] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_fits(open_page, address, size, scheme):
    page = open_page("index.html", size, scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    level = sum(map(int, background.strip("rgb()").split(","))) / 3
    assert level > 200 if scheme == "light" else level < 60
    paths = [path for path in PAGES.rglob("*.html") if path.name != "search.html"]
    assert len(paths) > len(CATALOGUE) + 15
    for path in paths:
        page.goto(address + path.relative_to(PAGES).as_posix())
        # Nothing but what scrolls by itself is wider than the window.
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path.name
        assert page.locator("h1").count() == 1, path.name
        broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
        assert page.evaluate(broken) == [], path.name
        # Tables of facts have a head only because Markdown's must.
        bare = "[...document.querySelectorAll('thead')].filter(h => !h.textContent.trim())"
        assert page.evaluate(f"{bare}.every(h => !h.offsetHeight)"), path.name
