"""Two suites on one phone: the second is told, a dead holder holds nothing, and all is restored."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError
from bench.android.adb.files import PREFIX, Workspace
from bench.android.phone.conditions import record
from bench.android.phone.control import (
    GROUP_VARIABLE,
    LOCK,
    RESTORE,
    PhoneLock,
    hold_performance,
    keep_screen_on,
)  # fmt: skip
from bench.android.phone.identity import identify
from bench.emulated_phone.userland import ANDROID_11, MKSH_AND_TOYBOX, android_commands_missing
from tests.waiting import wait_until

STAY_ON = "system/settings/global/stay_on_while_plugged_in"


@pytest.fixture(params=[ANDROID_11, MKSH_AND_TOYBOX], ids=["dash", "mksh"])
def phone(request, emulate):
    """An emulated phone of either kind of shell."""
    if request.param.has_android_commands and android_commands_missing():
        pytest.skip(f"{android_commands_missing()} is not installed")
    return emulate(request.param)


def _device(phone) -> Device:
    return Device.open(phone.address, phone.serial)


def _changed(phone) -> PhoneLock:
    """Lock a phone whose screen is off, keep its screen on, and hold its performance."""
    lock = PhoneLock(_device(phone))
    lock.acquire()
    assert keep_screen_on(lock, record(lock.device)) is True
    assert hold_performance(lock, identify(lock.device)) == "on"
    return lock


def _darken(phone) -> None:
    power = phone.root / "system/dumpsys/power"
    power.write_text(power.read_text().replace("=Awake", "=Asleep"))


def _state(phone) -> tuple[str | None, str, str | None]:
    setting = phone.root / STAY_ON
    return (
        setting.read_text() if setting.exists() else None,
        (phone.root / "system/fixed-performance-mode").read_text(),
        record(_device(phone)).screen if phone.daemon.port else None,
    )


def _claims(phone) -> list[str]:
    return [name for name in phone.files() if name.startswith(LOCK)]


def test_a_second_suite_is_told_of_the_first_and_of_no_person(phone):
    first, second = PhoneLock(_device(phone)), PhoneLock(_device(phone))
    first.acquire()
    first.acquire()  # held already
    assert len(_claims(phone)) == 1
    with pytest.raises(DeviceError, match=rf"by another suite, process {os.getpid()}, since"):
        second.acquire()
    (claim,) = _claims(phone)
    holder = (phone.root / "data/local/tmp" / claim / "holder").read_text()
    assert "@" not in holder
    first.release()
    assert phone.files() == []
    second.acquire()
    second.release()
    assert phone.files() == []


def test_of_many_that_find_a_dead_lock_one_takes_it(phone):
    """At the same moment: each makes a claim of its own, and none removes a living one."""
    dead = phone.root / "data/local/tmp" / f"{LOCK}.999999999.dead"
    for _ in range(3):
        dead.mkdir()
        (dead / "held").touch()
        (dead.parent / f"{PREFIX}left").mkdir()
        locks = [PhoneLock(_device(phone)) for _ in range(6)]
        start = threading.Barrier(len(locks))
        held: list[PhoneLock] = []

        def take(lock: PhoneLock, start=start, held=held) -> None:
            start.wait()
            try:
                lock.acquire()
            except DeviceError as error:
                assert "in use by another suite" in str(error)  # noqa: PT017
            else:
                held.append(lock)

        threads = [threading.Thread(target=take, args=[lock]) for lock in locks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(held) == 1
        assert phone.files() == _claims(phone)
        assert len(phone.files()) == 1
        held[0].release()
        assert phone.files() == []


def test_the_gates_two_sides_share_it(phone, monkeypatch):
    monkeypatch.setenv(GROUP_VARIABLE, "one-gate")
    _darken(phone)
    found = _state(phone)
    first, second = _changed(phone), _changed(phone)
    first.release()  # which restores
    assert _state(phone) == found
    assert keep_screen_on(second, record(second.device)) is True  # in its next model
    second.release()
    assert _state(phone) == found
    assert phone.files() == []


@pytest.mark.parametrize("before", ["3\n", None])
def test_what_was_changed_is_restored(phone, before):
    if before is not None:
        (phone.root / STAY_ON).write_text(before)
    _darken(phone)
    found = _state(phone)
    lock = _changed(phone)
    assert _state(phone) == ("15\n", "true\n", "Awake")
    assert keep_screen_on(lock, record(lock.device)) is True  # of the next model
    lock.release()
    assert _state(phone) == found
    assert phone.files() == []


def test_a_pulled_cable_restores_and_gives_the_lock_back(phone):
    _changed(phone)
    phone.unplug()
    wait_until(lambda: not (phone.files() or phone.processes()))
    assert not (phone.root / STAY_ON).exists()
    assert (phone.root / "system/fixed-performance-mode").read_text() == "false\n"


KILLED = """
import sys, time
from bench.android.adb.device import Device
from bench.android.adb.server import ServerAddress
from bench.android.phone.conditions import record
from bench.android.phone.control import PhoneLock, keep_screen_on
lock = PhoneLock(Device.open(ServerAddress(port=int(sys.argv[1])), sys.argv[2]))
lock.acquire()
print(keep_screen_on(lock, record(lock.device)), flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_suite_leaves_the_phone_as_it_was(phone, number):
    command = [sys.executable, "-c", KILLED, str(phone.address.port), phone.serial]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as suite:
        assert suite.stdout is not None
        assert suite.stdout.readline() == "True\n"
        assert (phone.root / STAY_ON).read_text() == "15\n"
        suite.send_signal(number)
    wait_until(lambda: not (phone.root / STAY_ON).exists() and phone.files() == [])


def test_after_a_restart_the_next_one_restores_and_takes_nothing_for_the_users(phone):
    (phone.root / STAY_ON).write_text("3\n")
    left = _changed(phone)
    (phone.root / "data/local/tmp" / f"{PREFIX}left").mkdir()
    phone.restart()
    assert (phone.root / STAY_ON).read_text() == "15\n"
    assert RESTORE in phone.files()
    lock = PhoneLock(_device(phone))
    lock.acquire()
    assert (phone.root / STAY_ON).read_text() == "3\n"
    assert phone.files() == _claims(phone)  # what the dead one left is gone
    assert keep_screen_on(lock, record(lock.device)) is True
    lock.release()
    assert (phone.root / STAY_ON).read_text() == "3\n"
    left.release()


@pytest.mark.parametrize(
    ("file", "text", "other"),
    [("power", "mWakefulness=Awake", "mWakefulness=Dreaming"), ("battery", "true", "false")],
)
def test_the_screen_is_on_only_where_it_is(emulate, file, text, other):
    """A screensaver is woken; on battery the setting does nothing, and is left alone."""
    phone = emulate(ANDROID_11)
    path = phone.root / "system/dumpsys" / file
    path.write_text(path.read_text().replace(text, other))
    lock = PhoneLock(_device(phone))
    lock.acquire()
    is_on = keep_screen_on(lock, record(lock.device))
    assert is_on is (file == "power")
    assert is_on is (phone.root / STAY_ON).exists()
    assert record(lock.device).screen == "Awake"
    lock.release()


def test_after_a_lost_server_it_is_taken_again(phone):
    lock = PhoneLock(_device(phone))
    lock.acquire()
    phone.kill_server()
    phone.revive()
    lock.acquire()
    assert len(_claims(phone)) == 1
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
