"""Reaching a device: choosing one, commands, properties, files."""

import hashlib
import os
import signal
import subprocess
import threading

import adbutils
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.android.adb.device import Device, attached_phones
from bench.android.adb.errors import (
    AdbServerError,
    CommandTimeoutError,
    DeviceChoiceError,
    DeviceError,
    DeviceLostError,
    NoDeviceError,
    printable,
)  # fmt: skip
from bench.android.adb.files import Workspace, pull, push, sha256
from bench.android.adb.server import (
    Attached,
    Client,
    ServerAddress,
    adb_program,
    attached_devices,
    choose,
)  # fmt: skip
from tests.waiting import wait_until

HOSTILE = [
    "$(touch /data/local/tmp/owned)",
    "`touch /data/local/tmp/owned`",
    "'; touch /data/local/tmp/owned; '",
    '"; touch /data/local/tmp/owned; "',
    "two\nlines",
    "a  b\t*?[c] ~ \\ ! # & | < >",
    "-n",
    "",
    "ümläut 苹果",
]


@pytest.fixture(scope="session")
def device(emulated_device) -> Device:
    """The emulated device, reached as any other."""
    return Device.open(emulated_device.address)


def test_the_only_device_is_chosen():
    assert choose([Attached("a", "device")], None).serial == "a"
    assert choose([Attached("a", "offline"), Attached("b", "device")], None).serial == "b"


def test_no_device():
    with pytest.raises(NoDeviceError, match="no Android device is attached: plug one in"):
        choose([], None)
    with pytest.raises(NoDeviceError, match=r"no device x is attached; attached: a$"):
        choose([Attached("a", "device")], "x")


def test_several_devices():
    devices = [Attached("a", "device"), Attached("b", "device")]
    with pytest.raises(DeviceChoiceError, match=r"2 devices are attached \(a, b\): choose one"):
        choose(devices, None)
    assert choose(devices, "b").serial == "b"


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("unauthorized", "accept this computer's key on the phone's screen"),
        ("offline", "plug the cable out and in again"),
        ("no permissions (missing udev rules?); see [http://x]", "udev rules"),
        ("strange", "look at the phone's screen"),
    ],
)
def test_a_device_that_cannot_be_used(state, advice):
    with pytest.raises(DeviceChoiceError, match="device a: ") as raised:
        choose([Attached("a", state)], None)
    assert state in str(raised.value)
    assert advice in str(raised.value)


def test_the_servers_address():
    read = ServerAddress.from_environment
    assert read({}) == ServerAddress("127.0.0.1", 5037)
    assert read({"ANDROID_ADB_SERVER_PORT": "5038"}).port == 5038
    assert read({"ADB_SERVER_SOCKET": "tcp:5039"}) == ServerAddress("127.0.0.1", 5039)
    assert read({"ADB_SERVER_SOCKET": "tcp:build:5040"}) == ServerAddress("build", 5040)
    assert read({"ADB_SERVER_SOCKET": "tcp:[::1]:5037"}) == ServerAddress("::1", 5037)


@pytest.mark.parametrize(
    "environment",
    [
        {"ADB_SERVER_SOCKET": "localabstract:adb"},
        {"ADB_SERVER_SOCKET": "tcp:host:adb"},
        {"ADB_SERVER_SOCKET": "tcp:host:65536"},
        {"ANDROID_ADB_SERVER_PORT": "0"},
        {"ANDROID_ADB_SERVER_PORT": "$(reboot)"},
    ],
)
def test_an_address_that_is_none(environment):
    with pytest.raises(AdbServerError, match=next(iter(environment))):
        ServerAddress.from_environment(environment)


def test_no_server_is_started_by_asking():
    nowhere = ServerAddress(port=1)
    with pytest.raises(AdbServerError, match="does not list its devices"):
        attached_devices(nowhere)
    with pytest.raises(AdbServerError, match="does not answer"):
        Client(nowhere).make_connection()
    assert not nowhere.is_answering()


@pytest.mark.parametrize("text", HOSTILE)
def test_an_argument_is_data(device, emulated_device, text):
    assert device.run(["printf", "%s", text]).stdout == text
    assert "owned" not in emulated_device.files()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(exclude_characters="\0\r/", exclude_categories=["Cs"]), max_size=30))
def test_every_argument_arrives_as_it_is(device, text):
    # No "/": the emulated device knows its own directories by it.
    assert device.run(["printf", "%s", text]).stdout == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_property_is_data(device, emulated_device, text):
    emulated_device.set_property("ro.product.model", text)
    found = device.properties(["ro.product.model", "ro.product.device"])
    assert found == {"ro.product.model": text, "ro.product.device": "dreamlte"}
    assert len(printable(found["ro.product.model"]).splitlines()) <= 1
    emulated_device.set_property("ro.product.model", "SM-G950F")


@pytest.mark.parametrize("name", [text for text in HOSTILE if text and "/" not in text])
def test_a_file_name_is_data(device, emulated_device, name):
    path = f"/data/local/tmp/{name}"
    assert push(device, b"content", path)
    assert pull(device, path) == b"content"
    assert emulated_device.files() == [name]
    device.run(["rm", path])


def test_a_failing_command(device):
    with pytest.raises(DeviceError) as raised:
        device.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    error = raised.value
    assert error.serial == device.serial
    assert "exit 3'` exited with status 3: out\\nerr" in str(error)
    assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["sleep", "50"],
        ["sh", "-c", "while :; do echo x; sleep 0.01; done"],
        ["sh", "-c", "while :; do printf x; sleep 0.01; done"],  # never a line's end
    ],
)
@pytest.mark.parametrize("has_shell_v2", [True, False])
def test_a_command_that_does_not_end(emulate, monkeypatch, command, has_shell_v2):
    phone = emulate()
    device = Device.open(phone.address)
    monkeypatch.setattr(device, "_has_shell_v2", has_shell_v2)
    with pytest.raises(CommandTimeoutError, match=r"` did not end within 0\.5 s"):
        device.run(command, timeout_s=0.5)
    wait_until(lambda: not phone.processes())


@pytest.mark.parametrize("wait", [pull, lambda device, path: device.run(["cat", path])])
def test_a_ctrl_c_that_wakes_nobody_counts(emulate, wait):
    """One between Python's look for signals and its wait; or one that another thread gets."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    phone = emulate()
    device = Device.open(phone.address)
    pipe = phone.root / "data/local/tmp/pipe"
    os.mkfifo(pipe)

    def end() -> None:
        ended.set()
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))

    ended = threading.Event()
    timers = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)), threading.Timer(10, end)
    for timer in timers:
        timer.start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with pytest.raises(KeyboardInterrupt):
            wait(device, "/data/local/tmp/pipe")
        assert not ended.is_set()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        timers[1].cancel()
        end()


def test_a_command_that_prints_without_end(emulate):
    phone = emulate()
    device = Device.open(phone.address)
    with pytest.raises(DeviceError, match=r"a command printed more than 8388608 bytes"):
        device.run(["cat", "/dev/zero"])
    wait_until(lambda: not phone.processes())


def test_an_old_device_without_shell_v2(emulated_device, monkeypatch):
    old = Device.open(emulated_device.address)
    monkeypatch.setattr(old, "_has_shell_v2", False)
    done = old.run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert (done.stdout, done.exit_status) == ("out\nerr\n", 3)
    assert old.properties(["ro.product.device"]) == {"ro.product.device": "dreamlte"}
    with old.stream("echo one; echo two >&2") as lines:
        assert list(lines) == ["one", "two"]


def test_lines_stream_as_they_are_printed(device):
    with device.stream("echo one; read wait; echo never") as lines:
        assert next(lines) == "one"
        lines.allow(0.2)
        with pytest.raises(TimeoutError):
            next(lines)


def test_a_file_is_pushed_by_its_hash(device):
    path = "/data/local/tmp/file"
    assert push(device, b"first", path)
    assert not push(device, b"first", path)
    assert push(device, b"other", path)  # of the same size
    assert pull(device, path) == b"other"
    assert sha256(device, path) == hashlib.sha256(b"other").hexdigest()
    device.run(["rm", path])
    assert sha256(device, path) is None


def test_a_missing_file(device):
    with pytest.raises(DeviceError, match="/data/local/tmp/none cannot be pulled"):
        pull(device, "/data/local/tmp/none")


def test_a_directory_that_cannot_be_written(device, emulated_device):
    push(device, b"", "/data/local/tmp/file")
    with pytest.raises(DeviceError, match="cannot be pushed"):
        push(device, b"content", "/data/local/tmp/file/below")
    device.run(["rm", "/data/local/tmp/file"])


@pytest.mark.parametrize("failure", [None, RuntimeError, KeyboardInterrupt])
def test_a_workspace_is_removed(device, emulated_device, failure):
    def use() -> None:
        with Workspace(device) as workspace:
            path = workspace.put(b"content", ".tflite")
            assert pull(device, path) == b"content"
            assert len(emulated_device.files()) == 1
            if failure is not None:
                raise failure

    if failure is None:
        use()
    else:
        with pytest.raises(failure):
            use()
    assert emulated_device.files() == []


def test_only_processes_of_the_workspace_are_killed(device, emulated_device):
    """A number in a file may be half written, or be another process's by now."""
    with Workspace(device) as workspace:
        workspace.put(b"content")
        directory = emulated_device.root / workspace.path.lstrip("/")
        with (
            subprocess.Popen(["sleep", "100"], cwd=directory, start_new_session=True) as own,
            subprocess.Popen(["sleep", "100"], start_new_session=True) as foreign,
        ):
            try:
                for text in ("", "\n", "0\n", "1\n", "-1\n", f"-{own.pid}\n", f"{own.pid}",
                             f"{foreign.pid}\n", f"0{own.pid}\n"):  # fmt: skip
                    (directory / "session.pid").write_text(text)
                    workspace.kill()
                    assert (own.poll(), foreign.poll()) == (None, None), text
                (directory / "session.pid").write_text(f"{own.pid}\n")
                workspace.kill()
                assert own.wait(timeout=30) == -signal.SIGKILL
                assert foreign.poll() is None
            finally:
                own.kill()
                foreign.kill()


def test_a_device_on_the_network_is_connected_to(emulate):
    emulated = emulate()
    Client(emulated.address).disconnect(emulated.serial)
    with pytest.raises(NoDeviceError):
        Device.open(emulated.address)
    device = Device.open(emulated.address, emulated.serial)  # which is HOST:PORT
    assert device.run(["echo", "there"]).stdout == "there\n"
    with pytest.raises(NoDeviceError, match=r"\(adb connect: .*Connection refused"):
        Device.open(emulated.address, "127.0.0.1:1")


def test_a_phone_under_two_serials_is_one_phone(emulate):
    phone, other = emulate(), emulate()
    again = f"localhost:{phone.daemon.port}"
    Client(phone.address).connect(again)
    wait_until(lambda: [each.state for each in attached_devices(phone.address)] == ["device"] * 2)
    assert len(attached_phones(phone.address)) == 1
    assert Device.open(phone.address).serial in (phone.serial, again)
    Client(phone.address).connect(other.serial)
    wait_until(lambda: [each.state for each in attached_devices(phone.address)] == ["device"] * 3)
    assert len(attached_phones(phone.address)) == 2
    with pytest.raises(DeviceChoiceError, match="3 devices are attached"):
        Device.open(phone.address)


def test_unplugged(emulate):
    emulated = emulate()
    device = Device.open(emulated.address)
    emulated.unplug()
    with pytest.raises(DeviceLostError, match=r"the device is now (offline|absent)"):
        device.run(["true"])


def test_the_server_is_gone(emulate):
    emulated = emulate()
    device = Device.open(emulated.address)
    emulated.kill_server()
    with pytest.raises(AdbServerError, match=r"does not answer|went away"):
        device.run(["true"])
    assert not emulated.address.is_answering()
    emulated.revive()
    assert device.run(["echo", "back"]).stdout == "back\n"


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
    assert adb_program() == "/opt/adb"


def test_without_any_it_is_told_how_to_get_one(no_adb):
    with pytest.raises(AdbServerError, match="apt install adb"):
        adb_program()


@pytest.mark.parametrize("variable", ["ANDROID_HOME", "ANDROID_SDK_ROOT"])
def test_that_of_the_sdk_is_taken(no_adb, monkeypatch, tmp_path, variable):
    program = tmp_path / "sdk" / "platform-tools" / "adb"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.setenv(variable, str(tmp_path / "sdk"))
    assert adb_program() == str(program)
