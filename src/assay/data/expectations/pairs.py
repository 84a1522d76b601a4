"""What must hold of a table of facts about pairs of texts before anything trains on it.

The table has one row an item (:mod:`assay.data.preparation.pairs` writes it) and a column that
:func:`assay.data.validation.with_derived` adds: the number of splits in which its pair stands. Great Expectations
costs seconds to import, hence the import inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.data.expectations import common as item_expectations
from assay.data.expectations.common import widen

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

FACTS = (
    "item",
    "split",
    "source_characters",
    "target_characters",
    "source_tokens",
    "target_tokens",
    "unknown",
    "odd",
    "sha256",
    "source",
    "target",
)


def build(
    counts: dict[str, int],
    *,
    source_characters: tuple[int, int],
    target_characters: tuple[int, int],
    most_unknown: float,
) -> list[Expectation]:
    """Return the expectations of one dataset; each carries in ``meta["fix"]`` what to do when it fails.

    Args:
        counts: items of each split.
        source_characters: fewest and most characters of a source.
        target_characters: likewise of a target.
        most_unknown: largest mean, over a split's items, of the share of tokens that training does not have.
    """
    import great_expectations.expectations as gxe

    reader = "check the dataset's read(): it should give upstream's pairs, one an item, in their encoding"
    tokenizer = "check the dataset's tokenizer in assay/data/preparation/pairs.py"
    own = [
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column=column,
                min_value=least,
                max_value=most,
                meta={"fix": f"a text was cut, or several are one: {reader}; {widen(column)}"},
            )
            for column, (least, most) in (
                ("source_characters", source_characters),
                ("target_characters", target_characters),
            )
        ),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=1, meta={"fix": f"a text without a token: {tokenizer}"}
            )
            for column in ("source_tokens", "target_tokens")
        ),
        *item_expectations.vocabulary(counts, most_unknown=most_unknown, fix=tokenizer),
        item_expectations.encoding(reader),
    ]
    return item_expectations.build(counts, facts=FACTS, nouns=("a pair", "pairs"), own=own)
