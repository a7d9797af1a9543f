"""The emulated device, as the real adb server and the real `adb` see it."""

import contextlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import adbutils
import pytest

from bench.android.adb.server import Attached, Client, ServerAddress, attached_devices
from bench.emulated_phone.daemon import CONNECT, OPEN, VERSION, Packet, read_packet
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def adb(emulated_device):
    """A function that runs the real `adb` on the emulated device."""

    def run(*arguments: str) -> subprocess.CompletedProcess:
        command = [adbutils.adb_path(), "-P", str(emulated_device.address.port)]
        return subprocess.run(
            [*command, "-s", emulated_device.serial, *arguments], capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def client_device(emulated_device):
    """The emulated device as adbutils has it."""
    return Client(emulated_device.address).device(emulated_device.serial)


def test_the_server_lists_it(emulated_device, adb):
    assert attached_devices(emulated_device.address) == [Attached(emulated_device.serial, "device")]
    assert "model:SM_G950F device:dreamlte" in adb("devices", "-l").stdout


def test_shell_v2_keeps_streams_and_status_apart(adb):
    done = adb("shell", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


def test_shell_v1_mixes_the_streams(client_device):
    result = client_device.shell2("echo out; echo err >&2; (exit 7)")
    assert (result.output, result.returncode) == ("out\nerr\n", 7)


def test_push_and_pull(adb, tmp_path):
    content = os.urandom(700_001)
    (tmp_path / "sent").write_bytes(content)
    assert adb("push", str(tmp_path / "sent"), "/data/local/tmp/file name").returncode == 0
    assert adb("pull", "/data/local/tmp/file name", str(tmp_path / "got")).returncode == 0
    assert (tmp_path / "got").read_bytes() == content
    adb("shell", "rm '/data/local/tmp/file name'")


def test_nothing_is_written_outside_of_the_root(client_device, emulated_device):
    client_device.sync.push(b"content", "/../../../../escaped")
    assert (emulated_device.root / "escaped").read_bytes() == b"content"
    (emulated_device.root / "escaped").unlink()


def test_an_unknown_service_is_refused(client_device):
    with client_device.open_transport() as connection:
        connection.send_command("reboot:")
        with pytest.raises(adbutils.AdbError):
            connection.check_okay()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("getprop ro.product.model", "SM-G950F\n"),
        ("getprop ro.no.such.property", "\n"),
        ("dumpsys thermalservice", "Can't find service: thermalservice\n"),
        ("cat /sys/devices/system/cpu/cpu4/cpufreq/cpuinfo_max_freq", "2314000\n"),
        ("settings get global airplane_mode_on", "1\n"),
        ("settings get global nothing", "null\n"),
        ("taskset f0 echo on the fast cores", "on the fast cores\n"),
        ("taskset fff echo x", "taskset: Invalid argument\n"),
        ("id -u", "2000\n"),
    ],
)
def test_userland(adb, command, expected):
    done = adb("shell", command)
    assert done.stdout + done.stderr == expected


def test_closing_leaves_nothing_behind(emulate):
    emulated = emulate()
    device = Client(emulated.address).device(emulated.serial)
    shell = device.open_shell("sleep 100")
    while not emulated.processes():
        pass
    emulated.close()
    shell.close()
    assert emulated.processes() == []
    assert not emulated.root.exists()
    assert not emulated.address.is_answering()


KILLED = """
import time
from bench.emulated_phone.device import EmulatedDevice
from bench.android.adb.server import Client
emulated = EmulatedDevice().__enter__()
shell = Client(emulated.address).device(emulated.serial).open_shell("while echo on; do sleep 0.1; done")
print(emulated.address.port, emulated.root, flush=True)
time.sleep(300)
"""  # noqa: E501


def test_being_killed_leaves_nothing_behind():
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    port, root = child.stdout.readline().split()
    child.kill()
    child.communicate()
    address = ServerAddress(port=int(port))
    wait_until(lambda: not (address.is_answering() or Path(root).exists() or _processes(root)))


def _processes(root: str) -> list[Path]:
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"EMULATED_ANDROID_ROOT={root}".encode() in path.read_bytes():
                found.append(path)
    return found


def test_packets_survive_the_wire():
    here, there = socket.socketpair()
    with here, there:
        packet = Packet(OPEN, 1, 2, b"shell:ls\0")
        here.sendall(packet.to_bytes())
        assert read_packet(there) == packet
        here.sendall(b"x" * 24)
        with pytest.raises(ValueError, match="not an adb packet"):
            read_packet(there)
        here.close()
        assert read_packet(there) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize(("user", "is_greeted"), [(0, True), (65534, False)])
def test_it_answers_its_own_user_alone(emulated_device, user, is_greeted):
    os.seteuid(user)
    try:  # a socket belongs to whoever makes it
        here = socket.create_connection(("127.0.0.1", emulated_device.daemon.port), timeout=60)
    finally:
        os.seteuid(0)
    with here:
        greeting = None
        with contextlib.suppress(OSError):  # hung up
            here.sendall(Packet(CONNECT, VERSION, 4096, b"host::\0").to_bytes())
            greeting = read_packet(here)
    assert (greeting is not None) == is_greeted


BY_XNNPACK = (
    "VERBOSE: Replacing N out of N node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 "
    "partitions for subgraph 0 (main)."
)


@pytest.mark.parametrize(
    ("generation", "flag", "fault", "said"),
    [
        ("compiled", None, None, [BY_XNNPACK]),
        (
            "compiled", "use_gpu", None,
            ["VERBOSE: Replacing N out of N node(s) with delegate (LITERT_CL) node, yielding 1 "
             "partitions for subgraph 0 (main)."],
        ),
        (
            "compiled", "use_gpu", "delegate falls back",
            ["WARNING: [auto_registration.cc:266] GPU accelerator could not be loaded and "
             "registered.", BY_XNNPACK],
        ),
        (
            "interpreter", "use_gpu", None,
            ["VERBOSE: Replacing N out of N node(s) with delegate (TfLiteGpuDelegateV2) node, "
             "yielding 1 partitions for subgraph 0 (main).",
             "INFO: Explicitly applied GPU delegate, and the model graph will be completely "
             "executed by the delegate."],
        ),
        ("compiled", "use_gpu", "delegate is not told", []),
    ],
)  # fmt: skip
def test_the_tool_says_who_took_which_nodes(emulate, device_model, generation, flag, fault, said):
    """As the runtime does (subgraph.cc), whose lines public logs quote: LiteRT-LM#1448."""
    phone = emulate()
    phone.set_tool_fault(fault)
    done = subprocess.run(
        ["sh", phone.tool(generation), f"--graph={device_model.path}", "--num_runs=1",
         "--min_secs=0", "--warmup_min_secs=0", *([f"--{flag}=true"] if flag else [])],
        env={**os.environ, "EMULATED_ANDROID_ROOT": str(phone.root)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if "deleg" in line or "accelerator" in line]
    told = [re.sub(r"Replacing (\d+) out of \1 ", "Replacing N out of N ", line) for line in lines]
    assert [line for line in told if "Created" not in line] == said
