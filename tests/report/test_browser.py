"""The page in a real browser: Debian's Chromium, from disk, with the network off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import made_up
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from test_build import HOSTILE, hostile_tree

from assay.report import build

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("page")
    build(**made_up.write_tree(root))
    return (root / "reports/index.html").as_uri()


def opened(browser: Browser, address: str, **options: object) -> tuple[Page, list[str]]:
    """Open the page offline; return it and what it complained of or asked the network for."""
    context = browser.new_context(offline=True, **options)
    page, faults = context.new_page(), []
    page.on(
        "console",
        lambda message: faults.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((address, "data:", "blob:")) else faults.append(request.url)
        ),
    )
    page.goto(address)
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    return page, faults


def column(page: Page, table: str, number: int) -> Locator:
    return page.locator(f"table[data-name={table}]").first.locator(f"tbody tr > :nth-child({number})")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_opens_without_fault_or_request(browser: Browser, address: str, scheme: str, width: int) -> None:
    page, faults = opened(browser, address, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert faults == []
    assert page.locator(".chart svg.marks").count() == 12
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # no sideways scrolling of the page
    page.context.close()


def test_tables_sort_by_number_and_filter(browser: Browser, address: str) -> None:
    page, faults = opened(browser, address)
    head = page.locator("table[data-name=matrix] thead th").nth(2)
    head.click()
    expect(column(page, "matrix", 3)).to_have_text(
        ["10", "7,850", "93,322", "118,282", "213,898", "1,250,000"]
    )
    head.click()
    expect(column(page, "matrix", 3).first).to_have_text("1,250,000")
    page.locator("#matrix ~ * input[type=search]").first.fill("recurrent")
    expect(column(page, "matrix", 1)).to_have_text(["lstm"])
    assert faults == []
    page.context.close()


def test_sorting_works_from_the_keyboard(browser: Browser, address: str) -> None:
    page, _ = opened(browser, address)
    page.locator("table[data-name=matrix] thead th").nth(2).locator("[role=button]").focus()
    page.keyboard.press("Enter")
    expect(column(page, "matrix", 3).first).to_have_text("10")
    page.context.close()


def test_plots_show_values_on_hover(browser: Browser, address: str) -> None:
    page, faults = opened(browser, address)
    page.locator("[data-chart=size-digits] .mark-symbol path").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "accuracy" in page.locator("#vg-tooltip-element").inner_text()
    assert faults == []
    page.context.close()


def test_hostile_names_are_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    build(**hostile_tree(tmp_path))
    page, faults = opened(browser, (tmp_path / "reports/index.html").as_uri())
    assert faults == []
    assert HOSTILE.split(" ")[0] in page.locator("table[data-name=matrix] tbody").inner_text()
    assert page.locator("img").count() == 0
    page.locator("[data-chart^='size-'] .mark-symbol path").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "<script>" in page.locator("#vg-tooltip-element").inner_text()
    assert page.locator("#vg-tooltip-element img, #vg-tooltip-element script").count() == 0
    page.context.close()
