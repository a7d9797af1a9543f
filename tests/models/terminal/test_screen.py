"""What commands show while they work."""

from models.terminal.screen import bar


def test_a_log_gets_no_line_of_a_bar(capfd):
    assert list(bar("photographs")([1, 2, 3])) == [1, 2, 3]
    assert capfd.readouterr() == ("", "")
