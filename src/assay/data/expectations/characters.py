"""What must hold of a table of windows of characters before anything trains on it.

The table has one row a window (:mod:`assay.data.preparation.characters` writes it) and one column that
:func:`assay.data.validation.with_derived` adds: the number of splits in which its characters stand. Great Expectations
costs seconds to import, hence the import inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.data.expectations import common as item_expectations
from assay.data.expectations.common import AGAIN, widen
from assay.data.preparation.characters import WINDOW

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

FACTS = ("item", "split", "characters", "unknown", "distinct", "odd", "sha256", "text")


def build(counts: dict[str, int], *, distinct: tuple[int, int], most_unknown: float) -> list[Expectation]:
    """Return the expectations of one dataset; each carries in ``meta["fix"]`` what to do when it fails.

    Args:
        counts: windows of each split.
        distinct: fewest and most different characters of a window.
        most_unknown: largest mean, over a split's windows, of the share of characters that training does not have.
    """
    import great_expectations.expectations as gxe

    reader = "check the dataset's read(): it should give upstream's text in its encoding"
    tokenizer = "check build_tokenizer() in assay/data/preparation/characters.py"
    own = [
        gxe.ExpectColumnValuesToBeBetween(
            column="characters",
            min_value=1,
            max_value=WINDOW,
            meta={
                "fix": f"a window of another length: check windows() in assay/data/preparation/characters.py; {AGAIN}"
            },
        ),
        *item_expectations.vocabulary(counts, most_unknown=most_unknown, fix=tokenizer),
        gxe.ExpectColumnValuesToBeBetween(
            column="distinct",
            min_value=distinct[0],
            max_value=distinct[1],
            meta={"fix": f"filler, or not a text of this kind: {reader}; {widen('distinct')}"},
        ),
        item_expectations.encoding(reader),
    ]
    return item_expectations.build(counts, facts=FACTS, nouns=("a window", "windows"), own=own)
