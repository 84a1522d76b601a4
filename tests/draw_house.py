"""Draws the rooms of src/assay and the imports between them: python -m tests.draw_house writes docs/house.svg."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.test_house import ROOMS, arrows, imports, room

PLACE = Path(__file__).parents[1] / "docs" / "house.svg"
HEIGHT, STEP, LEFT, WIDTH, TOP = 26, 38, 20, 190, 20
STYLE = """
text { font: 13px sans-serif; fill: #222 }
.files { fill: #666; font-size: 11px }
rect { fill: #eef2f7; stroke: #8a99ad }
path { fill: none; stroke: #3b6ea5; stroke-opacity: .45 }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .files { fill: #aaa } rect { fill: #26303c; stroke: #6b7a8d } path { stroke: #7fb0e6 }
}
"""


def middle(name: str) -> float:
    return TOP + ROOMS.index(name) * STEP + HEIGHT / 2


def drawing() -> str:
    """Return the picture: a box for each room, and a curve for each pair of rooms, thicker for more imports."""
    modules = Counter(room(module) for module in imports() if module != "assay")
    parts = []
    for name in ROOMS:
        y = middle(name)
        files = "1 file" if modules[name] == 1 else f"{modules[name]} files"
        parts.append(f'<rect x="{LEFT}" y="{y - HEIGHT / 2}" width="{WIDTH}" height="{HEIGHT}" rx="4"/>')
        parts.append(f'<text x="{LEFT + 10}" y="{y + 4}">{name}</text>')
        parts.append(
            f'<text class="files" x="{LEFT + WIDTH - 10}" y="{y + 4}" text-anchor="end">{files}</text>'
        )
    right = LEFT + WIDTH
    for (above, below), found in sorted(arrows().items()):
        start, end = middle(above), middle(below)
        bend = right + 12 + 0.42 * (end - start)
        width = 0.6 + 0.5 * len(found) ** 0.5
        parts.append(
            f'<path d="M{right} {start} C{bend:.0f} {start} {bend:.0f} {end} {right} {end}" stroke-width="{width:.1f}">'
            f"<title>{above} imports {below}: {len(found)}</title></path>"
        )
    height = TOP + len(ROOMS) * STEP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="450" height="{height}" viewBox="0 0 450 {height}">'
    )
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    PLACE.write_text(drawing(), encoding="utf-8")
