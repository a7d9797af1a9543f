"""Two suites on one phone: the second is told who measures; a dead holder holds nothing."""

from __future__ import annotations

import os

import pytest

from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError
from bench.android.adb.files import PREFIX, Workspace
from bench.android.phone.control import GROUP_VARIABLE, NAME, PhoneLock
from bench.emulated_phone.userland import GALAXY_S8, MKSH_AND_TOYBOX, android_commands_missing
from tests.waiting import wait_until


@pytest.fixture(params=[GALAXY_S8, MKSH_AND_TOYBOX], ids=["dash", "mksh"])
def phone(request, emulate):
    """An emulated phone of either kind of shell."""
    if request.param.has_android_commands and android_commands_missing():
        pytest.skip(f"{android_commands_missing()} is not installed")
    return emulate(request.param)


def _device(phone) -> Device:
    return Device.open(phone.address, phone.serial)


def test_a_second_suite_is_told_who_measures(phone):
    first, second = PhoneLock(_device(phone)), PhoneLock(_device(phone))
    first.acquire()
    first.acquire()  # held already
    assert phone.files() == [NAME]
    with pytest.raises(DeviceError, match=rf"in use by .*@.*, process {os.getpid()}, since 2"):
        second.acquire()
    first.release()
    assert phone.files() == []
    second.acquire()
    second.release()
    assert phone.files() == []


def test_the_gates_two_sides_share_it(phone, monkeypatch):
    monkeypatch.setenv(GROUP_VARIABLE, "one-gate")
    first, second = PhoneLock(_device(phone)), PhoneLock(_device(phone))
    first.acquire()
    second.acquire()
    second.release()
    assert phone.files() == [NAME]
    first.release()
    assert phone.files() == []


@pytest.mark.parametrize("holder", ["", "1 x somebody\n", "999999999 x somebody\n", "$(reboot)\n"])
def test_a_lock_whose_holder_is_dead_is_none(phone, holder):
    """As after a restart, or a cable that was pulled in the middle."""
    directory = phone.root / "data/local/tmp"
    (directory / NAME).mkdir()
    (directory / NAME / "holder").write_text(holder)
    (directory / f"{PREFIX}left").mkdir()
    lock = PhoneLock(_device(phone))
    lock.acquire()
    assert phone.files() == [NAME]  # what the dead one left is gone
    lock.release()


def test_a_lost_connection_gives_it_back(phone):
    lock = PhoneLock(_device(phone))
    lock.acquire()
    phone.unplug()
    wait_until(lambda: not (phone.files() or phone.processes()))
    lock.release()


def test_after_a_lost_server_it_is_taken_again(phone):
    lock = PhoneLock(_device(phone))
    lock.acquire()
    phone.kill_server()
    phone.revive()
    lock.acquire()
    assert phone.files() == [NAME]
    lock.release()


def test_storage_that_is_read_only(phone):
    (phone.root / "system/bin/mkdir").write_text(
        "#!/bin/sh\necho \"mkdir: '$2': Read-only file system\" >&2\nexit 1\n"
    )
    (phone.root / "system/bin/mkdir").chmod(0o755)
    with pytest.raises(DeviceError, match=r"mkdir.*: Read-only file system$") as raised:
        PhoneLock(_device(phone)).acquire()
    assert len(str(raised.value).splitlines()) == 1
    with pytest.raises(DeviceError, match="Read-only file system"):
        Workspace(_device(phone)).put(b"content")
