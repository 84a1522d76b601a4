# SPDX-License-Identifier: Apache-2.0
"""The ids of special tokens in datasets and models."""

PADDING, UNKNOWN = 0, 1
"""The ids of padding, and of words that are not in the training items."""
MASK = 2
"""The id of the missing word in tasks about masked words."""
BEGIN, END = 2, 3
"""The ids before the first word of a generated text, and after its last."""
