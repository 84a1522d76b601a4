# SPDX-License-Identifier: Apache-2.0
"""Ids of words that are none: what datasets write and models read."""

PADDING, UNKNOWN = 0, 1
"""Ids of what follows a text's end, and of a word that the training items do not have."""
MASK = 2
"""Id, where a task asks for a missing word, of the word that is missing."""
BEGIN, END = 2, 3
"""Ids of what stands before a text that is written word by word, and of what says that it is complete."""
