# SPDX-License-Identifier: Apache-2.0
"""Collects the pages of the site: python -m docs.stage copies them to .site/, from which make docs builds site/.

Some pages are at the top of the repository and the others in docs/, so relative links change. A link to a file that is
not on the site, such as one of the source code, becomes plain text.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAGED = ROOT / ".site"
TOP = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Where pages at the top of the repository are on the site."""
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
OUTSIDE = ("http://", "https://", "mailto:", "#")


def pages() -> dict[str, str]:
    """Return the place on the site of each of its files, by its place in the repository."""
    below = [path.relative_to(ROOT) for path in sorted((ROOT / "docs").rglob("*")) if path.is_file()]
    kept = (path for path in below if path.suffix in {".md", ".csv", ".png", ".svg", ".css"})
    return TOP | {path.as_posix(): path.relative_to("docs").as_posix() for path in kept}


def links(text: str) -> list[re.Match[str]]:
    """Return the links of a page to files, those in code excluded."""
    code = [match.span() for match in CODE.finditer(text)]
    found = (match for match in LINK.finditer(text) if not match["target"].startswith(OUTSIDE))
    return [match for match in found if not any(begin <= match.start() < end for begin, end in code)]


def target(page: str, link: re.Match[str]) -> tuple[str, str]:
    """Return the file in the repository that a page's link leads to, and the place in it, such as ``#layout``."""
    path, mark, anchor = link["target"].partition("#")
    return os.path.normpath(Path(page).parent / path), mark + anchor


def staged(page: str, text: str, places: dict[str, str]) -> str:
    """Return a page with links for its place on the site."""
    for link in reversed(links(text)):
        file, anchor = target(page, link)
        new = link["text"]
        if file in places:
            path = os.path.relpath(places[file], Path(places[page]).parent)
            new = f"{link['picture']}[{link['text']}]({path}{anchor})"
        text = text[: link.start()] + new + text[link.end() :]
    return text


def main() -> None:
    shutil.rmtree(STAGED, ignore_errors=True)
    places = pages()
    for page, place in places.items():
        out = STAGED / place
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".md":
            out.write_text(staged(page, (ROOT / page).read_text(), places))
        else:
            shutil.copyfile(ROOT / page, out)


if __name__ == "__main__":
    main()
