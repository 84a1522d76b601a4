"""The page in a real browser: Debian's Chromium, from disk, with the network off."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from assay.report import partial
from assay.report.build import build
from tests.report import made_up, test_partial
from tests.report.test_build import HOSTILE, hostile_tree

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
    """Open the page offline; return it, all drawn, and what it complained of or asked the network for."""
    context = browser.new_context(offline=True, **options)
    page, errors = context.new_page(), []
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: (errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((address, "data:", "blob:")) else errors.append(request.url)
        ),
    )
    page.goto(address)
    page.wait_for_selector("html[data-drawn]", timeout=120_000)
    return page, errors


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened once for what leaves it as it was."""
    page, errors = opened(browser, address)
    yield page
    assert errors == []
    page.context.close()


def column(page: Page, table: str, number: int) -> Locator:
    """Return the cells of a column, without the heads of groups of rows."""
    rows = page.locator(f"table[data-name={table}]").first.locator("tbody tr:not(.dtrg-group)")
    return rows.locator(f":scope > :nth-child({number})")


def square(page: Page, model: str) -> Locator:
    """Return the first square of a model's row in the matrix."""
    row = page.locator("table.matrix tbody tr", has=page.locator(f"th:text-is('{model}')"))
    return row.locator("button.proof").first


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_opens_without_error_or_request(browser: Browser, address: str, scheme: str, width: int) -> None:
    page, errors = opened(browser, address, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert errors == []
    assert page.locator(".chart svg.marks").count() == page.locator(".chart").count() > 12
    assert page.locator("table.report").count() == page.locator("table.dataTable").count() > 12
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # no sideways scrolling of the page
    serious = [
        (error["id"], [node["html"] for node in error["nodes"]][:3])
        for error in Axe().run(page).response["violations"]
        if error["impact"] in ("serious", "critical")
    ]
    assert serious == []
    page.context.close()


def test_tables_sort_by_number_and_search(browser: Browser, address: str) -> None:
    page, errors = opened(browser, address)
    assert page.locator("table.matrix tr.dtrg-group").count() == 6  # one a family
    head = page.locator("table.matrix thead th").nth(2)
    head.click()
    expect(column(page, "matrix", 3)).to_have_text(
        ["10", "7,850", "93,322", "118,282", "213,898", "1,250,000"]
    )
    assert page.locator("table.matrix tr.dtrg-group").count() == 0  # families no longer stand together
    head.click()
    expect(column(page, "matrix", 3).first).to_have_text("1,250,000")
    page.locator("#matrix ~ * input[type=search]").first.fill("recurrent")
    expect(column(page, "matrix", 1)).to_have_text(["lstm"])
    assert errors == []
    page.context.close()


def test_sorting_works_from_the_keyboard(browser: Browser, address: str) -> None:
    page, _ = opened(browser, address)
    page.locator("table.matrix thead th").nth(2).locator("[role=button]").focus()
    page.keyboard.press("Enter")
    expect(column(page, "matrix", 3).first).to_have_text("10")
    page.context.close()


def test_variants_are_filtered_by_what_a_column_holds(browser: Browser, address: str) -> None:
    page, errors = opened(browser, address)
    page.locator("table.variants thead th").nth(2).locator(".dtcc-button").first.click()
    page.locator(".dtcc-dropdown").get_by_role("button", name="int8").click()
    expect(page.locator("#variants ~ * .dt-info")).to_contain_text("24 entries")
    assert set(column(page, "variants", 3).all_inner_texts()) == {"int8"}
    assert errors == []
    page.context.close()


def test_a_table_is_copied_and_saved_as_csv_with_full_numbers(browser: Browser, address: str) -> None:
    page, errors = opened(browser, address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as CSV").first.click()
    expect(page.locator(".dt-button-info")).to_contain_text("6 rows")
    copied = page.evaluate("navigator.clipboard.readText()")
    rows = list(csv.reader(StringIO(copied)))
    assert rows[0][:4] == ["Model", "Family", "Parameters", "digits accuracy, %"]
    cnn = next(row for row in rows if row[0] == "cnn")
    assert cnn[1:3] == ["convolutional", "93322"]
    assert 0.9 < float(cnn[3]) < 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Save").first.click()
    assert download.value.suggested_filename == "matrix.csv"
    assert list(csv.reader(StringIO(Path(download.value.path()).read_text("utf-8-sig")))) == rows
    assert errors == []
    page.context.close()


def test_a_square_shows_seeds_cost_and_proof_on_hover_and_on_focus(page: Page) -> None:
    for reach in (Locator.hover, Locator.focus):
        page.mouse.move(0, 0)
        reach(square(page, "cnn"))
        expect(page.locator("#hint")).to_be_visible()
        said = page.locator("#hint").inner_text()
        for text in ("seed 0:", "seed 2:", "on disk", "commit 0123456789ab", "made-up processor"):
            assert text in said
        page.keyboard.press("Escape")
        expect(page.locator("#hint")).to_be_hidden()


def test_the_proof_opens_and_closes_from_the_keyboard(page: Page) -> None:
    square(page, "cnn").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="cnn on digits")
    expect(dialog).to_be_visible()
    for text in ("assay verify digits/cnn/0 --suite made_up", "Peak memory", "made-up processor"):
        expect(dialog).to_contain_text(text)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.title") == "cnn on digits"


def test_every_variant_leads_to_its_proof(page: Page) -> None:
    page.locator("table.variants tbody tr", has_text="int8").first.locator("button").click()
    dialog = page.locator("dialog#proof")
    expect(dialog).to_contain_text("majority on digits, int8")
    expect(dialog).to_contain_text("compress: skipped")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_the_menu_of_tasks_leads_to_a_task(page: Page) -> None:
    page.locator("nav").get_by_role("button", name="Tasks").click()
    page.locator("#tasks-menu").get_by_role("link", name="fashion_mnist").click()
    expect(page.locator("#tasks-menu")).to_be_hidden()
    expect(page.get_by_role("heading", name="fashion_mnist").first).to_be_in_viewport()


def test_plots_show_values_on_hover_and_can_be_saved(page: Page) -> None:
    page.locator("[data-chart=size-digits] .mark-symbol path").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "accuracy" in page.locator("#vg-tooltip-element").inner_text()
    chart = page.locator("[data-chart=size-digits]")
    chart.locator("summary").click()
    with page.expect_download() as download:
        chart.get_by_role("link", name="SVG").click()
    assert download.value.suggested_filename == "size-digits.svg"


def test_paper_shows_every_row_and_what_is_folded(page: Page) -> None:
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert column(page, "variants", 1).count() == len(made_up.plan(Path()))
    assert page.locator("main details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert column(page, "variants", 1).count() == 25
    assert page.locator("table.matrix tbody tr.dtrg-group ~ tr th").count() >= 6


def test_hostile_names_are_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    build(**hostile_tree(tmp_path))
    page, errors = opened(browser, (tmp_path / "reports/index.html").as_uri())
    assert errors == []
    for table in ("matrix", "variants", "ranks", "quality", "failures"):
        assert HOSTILE.split(" ")[0] in page.locator(f"table.{table} tbody").first.inner_text()
    assert page.locator("img").count() == 0
    page.locator("[data-chart^='size-'] .mark-symbol path").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "<script>" in page.locator("#vg-tooltip-element").inner_text()
    page.locator("table.matrix button.proof").first.hover()
    page.locator("table.matrix button.proof").first.click()
    assert HOSTILE.split(" ")[0] in page.locator("#proof-title").inner_text()
    page.keyboard.press("Escape")
    page.locator("table.variants thead .dtcc-button").first.click()
    assert HOSTILE.split(" ")[0] in page.locator(".dtcc-dropdown").inner_text()
    assert page.locator("#vg-tooltip-element img, #vg-tooltip-element script, body img").count() == 0
    assert errors == []
    page.context.close()


def test_the_page_without_a_result_opens(browser: Browser, tmp_path: Path) -> None:
    build(**made_up.inputs(tmp_path))
    page, errors = opened(browser, (tmp_path / "reports/index.html").as_uri())
    assert errors == []
    expect(page.locator("header.top")).to_contain_text("No variant has finished")
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_partial_page_opens_and_says_so_first(browser: Browser, tmp_path: Path, width: int) -> None:
    asked = test_partial.arguments(tmp_path)
    asked["errors"] = test_partial.damage(asked["variants"])
    partial.build(tmp_path / "partial.html", **asked)
    page, errors = opened(
        browser, (tmp_path / "partial.html").as_uri(), viewport={"width": width, "height": 800}
    )
    assert errors == []
    expect(page.locator("header.top p").first).to_contain_text("This page is partial")
    expect(page.locator("header.top p").first).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
