"""Finding `benchmark_model`: the user's, else the published one."""

import hashlib
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.android.adb.errors import DeviceError
from bench.android.tool import program as tool

ARM64, ARM, X86_64 = 183, 40, 62


def elf(machine: int) -> bytes:
    """The first bytes of an executable for a machine, and something after them."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, machine, 1) + bytes(5000)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A server on this machine that publishes the tool; `content` is what it gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests += 1
            status, content = server.status, server.content
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) + server.lacking_bytes))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.status, server.content, server.lacking_bytes = 0, 200, elf(ARM64), 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/benchmark_model"
    pinned = tool.Published("9.9.9", url, hashlib.sha256(elf(ARM64)).hexdigest())
    monkeypatch.setitem(tool.PUBLISHED, "arm64-v8a", pinned)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        tool.platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name
    )
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _cached_files(tmp_path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file())


def test_a_file_of_the_users(tmp_path):
    path = tmp_path / "benchmark_model"
    path.write_bytes(elf(ARM64))
    found = tool.find_tool(["arm64-v8a"], path)
    assert found.content == elf(ARM64)
    assert found.sha256 == hashlib.sha256(elf(ARM64)).hexdigest()
    assert found.source == str(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (elf(X86_64), "built for x86_64, the device is arm64-v8a"),
        (elf(ARM), "built for armeabi-v7a, the device is arm64-v8a"),
        (elf(8), "built for ELF machine 8, the device is arm64-v8a"),
        (b"", "not an executable"),
        (b"PK\x03\x04", "not an executable"),
        (elf(ARM64)[:19], "not an executable"),
    ],
)
def test_a_file_that_the_device_cannot_execute(tmp_path, content, complaint):
    path = tmp_path / "benchmark_model"
    path.write_bytes(content)
    with pytest.raises(DeviceError, match=complaint):
        tool.find_tool(["arm64-v8a"], path)


def test_the_published_tool_is_downloaded_once(published, tmp_path):
    for _ in range(2):
        assert tool.find_tool(["arm64-v8a"]).content == elf(ARM64)
    assert published.requests == 1
    assert _cached_files(tmp_path) == ["arm64-v8a-9.9.9"]


def test_a_damaged_copy_is_downloaded_again(published, tmp_path):
    path = tool.find_tool(["arm64-v8a"]).source
    with open(path, "ab") as file:  # noqa: PTH123
        file.write(b"damage")
    assert tool.find_tool(["arm64-v8a"]).content == elf(ARM64)
    assert published.requests == 2


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"lacking_bytes": 10}, "give --device-tool PATH"),
        ({"status": 404}, r"cannot be downloaded from .* \(HTTPError\)"),
        ({"content": elf(ARM64) + b"more"}, r"another file than benchmark_model 9\.9\.9 \(sha256 "),
    ],
)
def test_what_is_not_the_published_file_is_refused(published, tmp_path, fault, complaint):
    vars(published).update(fault)
    with pytest.raises(DeviceError, match=complaint):
        tool.find_tool(["arm64-v8a"])
    assert _cached_files(tmp_path) == []


def test_an_abi_for_which_nothing_is_published():
    with pytest.raises(DeviceError, match="no benchmark_model is published for ABI riscv64"):
        tool.find_tool(["riscv64"])
    with pytest.raises(DeviceError, match="published for ABI that the device does not tell"):
        tool.find_tool([])


def _with_one_load(alignment: int) -> bytes:
    """An ELF of 64 bits whose only loaded part has this alignment."""
    header = bytearray(elf(ARM64)[:64])
    header[32:40] = struct.pack("<Q", 64)  # where the program headers begin
    header[54:58] = struct.pack("<HH", 56, 1)
    return bytes(header) + struct.pack("<II6Q", 1, 5, 0, 0, 0, 64, 64, alignment)


def test_a_tool_for_smaller_pages_than_the_phones(tmp_path):
    path = tmp_path / "benchmark_model"
    path.write_bytes(_with_one_load(4096))
    assert tool.find_tool(["arm64-v8a"], path, page_bytes=4096)
    with pytest.raises(
        DeviceError, match="built for memory pages of 4 KB, the device has pages of"
    ):
        tool.find_tool(["arm64-v8a"], path, page_bytes=16384)
    path.write_bytes(_with_one_load(16384))
    assert tool.find_tool(["arm64-v8a"], path, page_bytes=16384)


def test_a_tool_that_another_processor_translates(tmp_path):
    path = tmp_path / "benchmark_model"
    path.write_bytes(elf(ARM64))
    waydroid = ("x86_64", "x86", "arm64-v8a", "armeabi-v7a")
    assert tool.is_translated(tool.find_tool(waydroid, path), waydroid)
    assert not tool.is_translated(tool.find_tool(["arm64-v8a"], path), ["arm64-v8a"])
    path.write_bytes(elf(X86_64))
    assert not tool.is_translated(tool.find_tool(waydroid, path), waydroid)
