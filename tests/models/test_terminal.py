"""What commands show on a terminal: nothing of a table is cut, and a log gets no bar."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from models.__main__ import main
from models.terminal.screen import bar
from models.terminal.table import print_table, terminal_table

WORDS = st.text("abcxyz_[]", min_size=1, max_size=30)
HEADS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


def printed(width, *arguments):
    file = io.StringIO()
    print_table(terminal_table(*arguments), Console(file=file, width=width, markup=False))
    return [line.rstrip() for line in file.getvalue().splitlines()]


@settings(max_examples=30)
@given(st.integers(5, 200), HEADS, HEADS, WORDS, st.integers(0, 10**12))
def test_every_character_is_printed_at_every_width(width, word_head, head, name, number):
    lines = printed(width, (word_head, head), [(name, f"{number:,}")], [1])
    assert any(line.endswith(f" {number:,}") for line in lines), "numbers stay in one line"
    text = "".join("".join(lines).split()).replace("─", "")
    assert sorted(text) == sorted(f"{word_head}{head}{name}{number:,}".replace(" ", ""))


def test_a_name_is_folded_before_the_table_is_wider_than_the_terminal():
    lines = printed(40, ("model", "a long heading"), [("alexnet_" * 5, "1.00 / 2.00")], [1])
    assert max(map(len, lines)) <= 40
    assert [line.split()[-1] for line in lines[:2]] == ["long", "heading"]


def test_a_name_does_nothing_to_the_terminal():
    (line,) = printed(80, ("model",), [("\x1b]0;title\x07\x1b[31mred\x9b\u202e",)], [])[2:]
    assert line.strip() == r"\x1b]0;title\x07\x1b[31mred\x9b\u202e"


@pytest.mark.parametrize("command", ["seeds", "list"])
def test_the_commands_tables_fit_a_terminal_of_80_columns(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([command]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)


def test_a_log_gets_no_line_of_a_bar(capfd):
    assert list(bar("photographs")([1, 2, 3])) == [1, 2, 3]
    assert capfd.readouterr() == ("", "")
