"""The tool, or the benchmark app, on a phone, with all that a run of a model needs beside it.

Source of the app: the TensorFlow Authors, tensorflow/lite/tools/benchmark/android (package,
activity, how it takes its arguments, the tag it logs under).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.android.adb.errors import DeviceError, printable
from bench.android.adb.files import Workspace
from bench.android.phone.control import COOL_DOWN_TIMEOUT_S, PhoneLock
from bench.android.tool.output import exit_error
from bench.android.tool.program import REQUIRED, Tool, ToolFlags, parse_flags
from bench.android.verification import ModelInput
from models.files.artifacts import Artifact

INSTALL_TIMEOUT_S = 300.0
ZIP_MAGIC = b"PK"
APP = "org.tensorflow.lite.benchmark"
REMOVE_APP = f"for wait in 0 1 2 4; do sleep $wait; pm uninstall {APP} && break; done"
"""An installation that was broken off may still come to its end."""

INPUT_FLAGS = ("input_layer", "input_layer_shape", "input_layer_value_files")
APP_FLAGS = ToolFlags(frozenset((*REQUIRED, "use_gpu", "use_nnapi", "use_xnnpack", *INPUT_FLAGS)))
"""The app cannot be asked; it logs an unknown flag, which counts as a failure like the tool's."""

APP_ROUND = f"""mark="tflite-gauge round $$ of $(cat /proc/uptime)"
log -t tflite-gauge "$mark"
am start -S -W -n {APP}/.BenchmarkModelActivity --es args "$*" > start.log 2>&1 || {{
  cat start.log; exit 1; }}
if grep -q '^Error' start.log; then grep '^Error' start.log; exit 1; fi
ended= looks=0
while :; do
  logcat -d -v tag -s tflite:V tflite-gauge:V libc:F | sed "1,/: $mark/d" > app.log
  if grep -q 'Inference timings in us' app.log; then break; fi
  if [ -n "$ended" ]; then
    sed -e 's|^[EF]/[^:]*: |ERROR: |' -e 's|^[A-Z]/[^:]*: |INFO: |' app.log
    echo 'ERROR: Benchmarking failed: the app ended without a result'
    exit 1
  fi
  looks=$((looks + 1))
  # What a GPU leaves to the CPU is told as an error, too, and the benchmark goes on.
  sed '/not supported by GPU delegate/,/will run on the GPU/d' app.log > errors.log
  if grep -q -e '^[EF]/' -e 'Benchmarking failed' errors.log; then ended=1
  elif [ $((looks % 5)) -eq 1 ]; then
    dumpsys activity activities | grep -q '{APP}/' || ended=1
  fi
  sleep 0.2
done
sed 's|^[A-Z]/[^:]*: |INFO: |' app.log
am force-stop {APP}
""".encode()
"""A round inside the app, started anew: it prints what the app logged since a mark of its own; so
the phone's log is not cleared. An error in it, or the end of the app's activity (its process
stays), ends the round at the next look."""


@dataclass(frozen=True)
class DeviceSettings:
    """How a model is measured on a device; each as the option of its name says.

    `tool_flags` are such as "gpu_backend=opencl"; `cpu_mask` None is the fastest cores, `apk` None
    a process of the shell.
    """

    rounds: int = 100
    threads: int = 1
    delegate: str = "cpu"
    may_be_part: bool = False
    tool_flags: tuple[str, ...] = ()
    cpu_mask: str | None = None
    retries: int = 2
    timeout_s: float = 120.0
    cool_down_s: float = COOL_DOWN_TIMEOUT_S
    rest_s: float = 0.0
    libraries: Path | None = None
    apk: Path | None = None
    fixed_performance: bool = False
    sustained_s: float = 0.0  # on and on, so long; 0 for `rounds`


class ToolSetup:
    """Puts the tool and its files into a workspace, and makes its command line."""

    def __init__(self, workspace: Workspace, find: Callable[[], Tool]) -> None:
        self._workspace = workspace
        self._find = find

    @cached_property
    def tool(self) -> Tool:
        """The tool, found when it is first needed."""
        return self._find()

    def command(
        self, artifact: Artifact, settings: DeviceSettings, model_input: ModelInput
    ) -> tuple[list[str], ToolFlags]:
        """Push what the tool needs, and return it with its arguments, all but numbers of runs."""
        put = self._workspace.put
        executable = put(self.tool.content, mode=0o755)
        flags = self._flags.without_input() if model_input.is_left_to(self.tool) else self._flags
        graph = put(artifact.read_bytes(), ".tflite")
        libraries = self._push_libraries(settings.libraries)
        command = flags.command(
            executable, graph, settings.threads, settings.delegate, libraries, settings.tool_flags
        )
        if flags.takes_input:
            command += flags.input_arguments(put(model_input.content, ".input"), model_input.shape)
        return command, flags

    def _push_libraries(self, folder: Path | None) -> str | None:
        """Push the vendor's libraries under their own names; return the directory on the device."""
        if folder is None:
            return None
        try:
            files = {path.name: path.read_bytes() for path in folder.glob("*.so")}
        except OSError as error:
            raise DeviceError(f"{folder}: cannot be read ({error.strerror})") from None
        if not files:
            raise DeviceError(f"{folder}: holds no *.so (--device-libraries)")
        for name, content in files.items():
            self._workspace.put(content, name=name)
        return self._workspace.path

    @cached_property
    def _flags(self) -> ToolFlags:
        """The flags that the tool has, by its own word; asked for once."""
        executable = self._workspace.put(self.tool.content, mode=0o755)
        answer = self._workspace.device.run([executable, "--help"], check=False)
        names = parse_flags(answer.output)
        if not names and answer.exit_status > 1:
            raise exit_error(answer.exit_status, answer.output)
        if not names:
            last = (answer.output.strip().splitlines() or [""])[-1]
            raise DeviceError(f"--help lists no flags; its last line: {printable(last)}")
        return ToolFlags(names)


class AppSetup:
    """Installs the user's APK for the measurements alone, and makes the command line of a round
    inside it."""

    def __init__(self, workspace: Workspace, lock: PhoneLock, path: Path) -> None:
        self._workspace = workspace
        self._lock = lock
        self._is_installed = False
        self.tool = Tool.read(path, "--device-apk")
        if not self.tool.content.startswith((ZIP_MAGIC, b"#!")):
            raise DeviceError(f"{path}: not an APK (--device-apk)")

    def command(
        self, artifact: Artifact, settings: DeviceSettings, model_input: ModelInput
    ) -> tuple[list[str], ToolFlags]:
        """Install the app, push its files, and return the command line all but numbers of runs."""
        if settings.libraries is not None or settings.delegate == "npu":
            raise DeviceError(
                "the benchmark app takes no vendor's libraries: --device-process shell"
            )
        self._install()
        put = self._workspace.put
        script, graph = put(APP_ROUND, ".sh"), put(artifact.read_bytes(), ".tflite")
        own = frozenset(each.partition("=")[0] for each in settings.tool_flags)
        _, *arguments = ToolFlags(APP_FLAGS.names | own).command(
            "app", graph, settings.threads, settings.delegate, more=settings.tool_flags
        )
        arguments += APP_FLAGS.input_arguments(
            put(model_input.content, ".input"), model_input.shape
        )
        return ["sh", script, *arguments], APP_FLAGS

    def _install(self) -> None:
        run = self._workspace.device.run
        is_there = f"Package [{APP}]" in run(["dumpsys", "package", APP], check=False).stdout
        if is_there and self._is_installed:
            return
        if is_there:
            raise DeviceError(
                f"{APP} is installed on it already, for this user or another: uninstall it "
                f"(`adb uninstall {APP}`), so that nothing of yours is replaced"
            )
        self._lock.write_down(APP, [["sh", "-c", REMOVE_APP]])
        apk = self._workspace.put(self.tool.content, ".apk")
        done = run(["pm", "install", "-g", apk], INSTALL_TIMEOUT_S, check=False)
        if done.exit_status or "Success" not in done.output:
            raise DeviceError(f"the APK cannot be installed: {printable(done.output.strip())}")
        self._is_installed = True
