"""What must hold of a table of facts about tagged sentences before anything trains on it.

The table has one row an item (:mod:`assay.data.preparation.tagged` writes it) and the number of splits in which its
text stands, which :func:`assay.data.validation.with_derived` adds. Great Expectations costs seconds to import, hence
the import inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.data.expectations import common as item_expectations
from assay.data.expectations.common import widen

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

FACTS = (
    *("item", "split", "tokens", "longest", "entities", "lowest", "highest"),
    *("malformed", "unknown", "odd", "sha256", "text"),
)


def build(
    counts: dict[str, int],
    *,
    num_tags: int,
    tokens: tuple[int, int],
    longest: int,
    entities: tuple[float, float],
    most_unknown: float,
) -> list[Expectation]:
    """Return the expectations of one dataset; each carries in ``meta["fix"]`` what to do when it fails.

    Args:
        counts: items of each split.
        tokens: fewest and most words of a sentence.
        longest: most characters of a word.
        entities: smallest and largest mean number of entities a sentence, over a split.
        most_unknown: largest mean, over a split's items, of the share of words that training does not have.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    reader = "check the dataset's read(): it should give upstream's sentences and tags, in their encoding"
    own = [
        gxe.ExpectColumnValuesToBeBetween(
            column="tokens",
            min_value=tokens[0],
            max_value=tokens[1],
            meta={"fix": f"a sentence was cut, or several are one: {reader}; {widen('tokens')}"},
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="longest",
            min_value=1,
            max_value=longest,
            meta={"fix": f"a word is empty, or several are one: {reader}; {widen('longest')}"},
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="lowest", min_value=0, meta={"fix": f"a word has no tag: {reader}"}
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="highest", max_value=num_tags - 1, meta={"fix": f"a tag has no name: {reader}"}
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="malformed",
            value_set=[0],
            meta={
                "fix": f"an I- tag follows neither B- nor I- of its type: mend the tags in read(); {reader}"
            },
        ),
        *(
            gxe.ExpectColumnMeanToBeBetween(
                column="entities",
                min_value=entities[0],
                max_value=entities[1],
                row_condition=Column("split") == split,
                meta={
                    "fix": f"too few or too many entities for these sentences: {reader}; {widen('entities')}"
                },
            )
            for split in counts
        ),
        *item_expectations.vocabulary(
            counts, most_unknown=most_unknown, fix="check number() in assay/data/preparation/tagged.py"
        ),
        item_expectations.encoding(reader),
    ]
    return item_expectations.build(counts, facts=FACTS, nouns=("a sentence", "sentences"), own=own)
