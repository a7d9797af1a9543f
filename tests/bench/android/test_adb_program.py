"""Where adb is found, and what is said where it is not."""

from __future__ import annotations

import adbutils
import pytest

from bench.android.adb import server
from bench.android.adb.errors import AdbServerError


@pytest.fixture
def no_adb(monkeypatch, tmp_path):
    """A machine whose adbutils brings no adb along, and that has none on its PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ADBUTILS_ADB_PATH", raising=False)
    monkeypatch.setattr(adbutils._utils, "_get_bin_dir", lambda: str(tmp_path))
    for variable in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(variable, raising=False)


def test_the_one_that_adbutils_finds_comes_first(monkeypatch):
    monkeypatch.setenv("ADBUTILS_ADB_PATH", "/opt/adb")
    assert server.adb_program() == "/opt/adb"


def test_without_any_it_is_told_how_to_get_one(no_adb):
    with pytest.raises(AdbServerError, match="apt install adb"):
        server.adb_program()


@pytest.mark.parametrize("variable", ["ANDROID_HOME", "ANDROID_SDK_ROOT"])
def test_that_of_the_sdk_is_taken(no_adb, monkeypatch, tmp_path, variable):
    program = tmp_path / "sdk" / "platform-tools" / "adb"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.setenv(variable, str(tmp_path / "sdk"))
    assert server.adb_program() == str(program)
