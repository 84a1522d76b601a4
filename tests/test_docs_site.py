"""The site: each page is in its navigation, each link leads somewhere, and what pages say of the code is so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from docs import stage

ROOT = stage.ROOT
PLACES = stage.pages()
PAGES = [page for page in PLACES if page.endswith(".md")]
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def in_navigation(entries: Any) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from in_navigation(below)


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and Python-Markdown make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


def test_each_page_is_in_the_navigation_once():
    assert sorted(in_navigation(CONFIG["nav"])) == sorted(PLACES[page] for page in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_each_relative_link_leads_to_a_file_and_a_heading(page):
    for link in stage.links(text_of(page)):
        file, anchor = stage.target(page, link)
        assert (ROOT / file).exists(), link[0]
        if anchor:
            assert anchor.removeprefix("#") in anchors(file), link[0]
    for anchor in re.findall(r"\]\(#([^)]+)\)", text_of(page)):
        assert anchor in anchors(page), anchor


def test_links_fit_the_places_on_the_site():
    places = {"README.md": "index.md", "docs/a.md": "a.md", "docs/b/c.csv": "b/c.csv", "docs/p.png": "p.png"}
    text = "[a](docs/a.md#top) ![p](docs/p.png) [code](src/x.py) [web](https://a.example) `[no](docs/a.md)`"
    expected = "[a](a.md#top) ![p](p.png) code [web](https://a.example) `[no](docs/a.md)`"
    assert stage.staged("README.md", text, places) == expected
    back = stage.staged("docs/a.md", "[home](../README.md) [rows](b/c.csv)\n\n```\n[no](x.md)\n```\n", places)
    assert back == "[home](index.md) [rows](b/c.csv)\n\n```\n[no](x.md)\n```\n"


def test_the_api_reference_names_what_exists():
    names = re.findall(r"^::: (\S+)$", text_of("docs/api.md"), re.M)
    assert len(names) > 30
    for name in names:
        module, _, entry = name.rpartition(".")
        tree = ast.parse((ROOT / "src" / module.replace(".", "/")).with_suffix(".py").read_text())
        defined = [each.name for each in tree.body if isinstance(each, ast.ClassDef | ast.FunctionDef)]
        assert entry in defined, name


def test_the_page_on_compression_names_each_method():
    files = (ROOT / "src/assay/compression/methods").glob("*.py")
    methods = {path.stem for path in files} - {"__init__"}
    assert set(re.findall(r"^\| `(\w+)` \|", text_of("docs/compression.md"), re.M)) == methods


def test_the_public_results_in_readme_are_rows_of_the_results():
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*) \| (\d) \|$", text_of("README.md"), re.M)
    assert len(rows) > 5
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text_of("docs/results.md"), re.M | re.S))
    for dataset, model, score, seeds in rows:
        section = sections[dataset]
        [line] = [line for line in section.splitlines() if line.startswith(f"| {model} |")]
        [head] = [line for line in section.splitlines() if line.startswith("| model |")]
        metric = head.split(" | ")[1]
        measured, published = re.fullmatch(
            rf"(.*?) ?{re.escape(metric)}(?: \(published: (.*)\))?", score
        ).groups()
        assert line.startswith(f"| {model} | {measured} | {seeds} |"), score
        if published:
            assert f"| [{published}](" in line, score
            assert "not comparable" not in line, score


def test_the_commands_at_the_beginning_of_readme_are_executed_on_the_pages():
    opening = text_of("README.md").split("## Public results")[0]
    [block] = re.findall(r"^```sh\n(.*?)^```", opening, re.M | re.S)
    first, *commands = block.splitlines()
    assert first == "make env && . .venv/bin/activate"
    executed = "".join(text_of(page) for page in ("docs/your-own-data.md", "docs/reading-the-report.md"))
    blocks = "".join(re.findall(r"^Run:\n\n```sh\n(.*?)^```", executed, re.M | re.S))
    assert len(commands) == 2
    assert set(commands) <= set(blocks.splitlines())


def test_the_picture_in_readme_is_small():
    assert (ROOT / "docs/report.png").stat().st_size < 200_000


def test_the_lock_of_the_site_pins_what_it_needs_by_digest():
    lock = (ROOT / "requirements-docs.lock").read_text()
    pinned = re.findall(r"^([a-z][\w.-]*)==\S+", lock, re.M)
    assert {"mkdocstrings-python", "zensical"} <= set(pinned)
    for entry in re.split(r"^(?=[a-z])", lock, flags=re.M)[1:]:
        assert "--hash=sha256:" in entry, entry
