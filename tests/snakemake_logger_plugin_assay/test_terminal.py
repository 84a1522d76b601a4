"""Nothing in a name or a reason may steer the terminal or leave its line."""

import pytest

from snakemake_logger_plugin_assay.terminal import cut, plain

HOSTILE = [
    ("\x1b[2J\x1b[1;31mred\x1b[0m", "red"),
    ("a\rb\nc\td", "a b c d"),
    ("\x1b]0;title\x07text", "text"),
    ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x9b31mcsi", "31mcsi"),
    ("left\u202eright", "left right"),
    ("bell\x07, delete\x7f, null\x00", "bell , delete , null"),
    ("half \ud800 pair", "half pair"),
    ("  many   blanks  ", "many blanks"),
    ("Grüße, 数字", "Grüße, 数字"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_control_characters_and_escape_sequences_are_not_printed(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("数字数字", 8, "数字数字"),
        ("数字数字", 7, "数字数…"),
        ("数字数字", 6, "数字…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
        ("x" * 100_000, 3, "xx…"),
        ("", 0, ""),
    ],
)
def test_a_line_is_cut_to_the_columns_that_its_characters_take(text, columns, shown):
    assert cut(text, columns) == shown
