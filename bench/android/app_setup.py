"""The benchmark app on a phone: installed for the measurements alone."""

from __future__ import annotations

from pathlib import Path

from bench.android.adb.errors import DeviceError, printable
from bench.android.adb.files import Workspace
from bench.android.measurement import Settings
from bench.android.phone.control import Changes
from bench.android.tool.app_round import FLAGS, PACKAGE, SCRIPT
from bench.android.tool.tool_file import Tool
from bench.android.tool.tool_flags import ToolFlags
from bench.android.verification import Sample
from models.files.artifacts import Artifact

INSTALL_TIMEOUT_S = 300.0
ZIP_MAGIC = b"PK"


class AppSetup:
    """Installs the app, and makes the command line of a round inside it.

    Args:
        path: the user's APK.

    Attributes:
        changes: takes the app off the phone.

    Raises:
        DeviceError: the file cannot be read, or is no app.
    """

    def __init__(self, workspace: Workspace, path: Path) -> None:
        self._workspace = workspace
        self._device = workspace.device
        self.changes = Changes(workspace.device)
        self.tool = Tool.read(path, "--device-apk")
        if not self.tool.content.startswith((ZIP_MAGIC, b"#!")):
            raise DeviceError(f"{path}: not an APK (--device-apk)")

    def command(
        self, artifact: Artifact, settings: Settings, sample: Sample
    ) -> tuple[list[str], ToolFlags]:
        """Install the app, push its files, and return the command line all but numbers of runs.

        Raises:
            DeviceError: the app is the user's own, cannot be installed, or lacks what is asked for.
        """
        if settings.libraries is not None or settings.delegate == "npu":
            raise DeviceError(
                "the benchmark app takes no vendor's libraries: --device-process shell"
            )
        self._install()
        put = self._workspace.put
        script, graph = put(SCRIPT, ".sh"), put(artifact.read_bytes(), ".tflite")
        _, *arguments = FLAGS.command("app", graph, settings.threads, settings.delegate)
        arguments += FLAGS.input_arguments(put(sample.content, ".input"), sample.shape)
        return ["sh", script, *arguments], FLAGS

    def _install(self) -> None:
        is_there = self._device.run(["pm", "path", PACKAGE], check=False).exit_status == 0
        if is_there and self.changes.restoring:
            return
        if is_there:
            raise DeviceError(
                f"{PACKAGE} is installed on it already: uninstall it (`adb uninstall {PACKAGE}`), "
                "so that nothing of yours is replaced"
            )
        apk = self._workspace.put(self.tool.content, ".apk")
        done = self._device.run(["pm", "install", "-g", apk], INSTALL_TIMEOUT_S, check=False)
        if done.exit_status or "Success" not in done.output:
            raise DeviceError(f"the APK cannot be installed: {printable(done.output.strip())}")
        self.changes.restoring[:] = [["am", "force-stop", PACKAGE], ["pm", "uninstall", PACKAGE]]
