"""What must hold of a table of text facts before anything trains on it.

The table has one row an item (:mod:`assay.data.preparation.text` writes it) and two columns that
:func:`assay.data.validation.with_derived` adds: the share of the item's class in its split, and the number of
splits in which its text stands. Great Expectations costs seconds to import, hence the import inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.data.expectations import common as item_expectations
from assay.data.expectations.common import widen

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

FACTS = ("item", "split", "label", "characters", "tokens", "unknown", "odd", "sha256", "text")


def build(
    counts: dict[str, int],
    *,
    num_classes: int,
    class_share: tuple[float, float],
    characters: tuple[int, int],
    most_unknown: float,
) -> list[Expectation]:
    """Return the expectations of one dataset; each carries in ``meta["fix"]`` what to do when it fails.

    Args:
        counts: items of each split.
        class_share: smallest and largest part of a split that one class may have, give or take one item.
        characters: fewest and most characters of a text.
        most_unknown: largest mean, over a split's items, of the share of tokens that training does not have.
    """
    own = [
        *item_expectations.labels(counts, num_classes=num_classes, class_share=class_share),
        *of_texts(counts, characters=characters, most_unknown=most_unknown),
    ]
    return item_expectations.build(counts, facts=FACTS, nouns=("a text", "texts"), own=own)


def of_texts(
    counts: dict[str, int], *, characters: tuple[int, int], most_unknown: float
) -> list[Expectation]:
    """Return what must hold of texts, labelled or not; the arguments are those of :func:`build`."""
    import great_expectations.expectations as gxe

    reader = "check the dataset's read(): it should give upstream's texts, one an item, in their encoding"
    tokenizer = "check build_tokenizer() in assay/data/preparation/text.py"
    return [
        gxe.ExpectColumnValuesToBeBetween(
            column="characters",
            min_value=characters[0],
            max_value=characters[1],
            meta={"fix": f"a text was cut, or several are one: {reader}; {widen('characters')}"},
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="tokens", min_value=1, meta={"fix": f"a text without a token: {tokenizer}"}
        ),
        *item_expectations.vocabulary(counts, most_unknown=most_unknown, fix=tokenizer),
        item_expectations.encoding(reader),
    ]
