"""The tool on a phone, with all that a run of a model needs beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from bench.android.adb.errors import DeviceError, OutputError
from bench.android.adb.files import Workspace
from bench.android.measurement import Settings
from bench.android.tool.tool_failures import exit_error
from bench.android.tool.tool_file import Tool
from bench.android.tool.tool_flags import ToolFlags, parse_flags
from bench.android.verification import Sample
from models.files.artifacts import Artifact


class ToolSetup:
    """Puts the tool and its files into a workspace, and makes its command line.

    Args:
        find: gives the tool; called once, when it is first needed.
    """

    def __init__(self, workspace: Workspace, find: Callable[[], Tool]) -> None:
        self._workspace = workspace
        self._find = find
        self._flags: ToolFlags | None = None

    @cached_property
    def tool(self) -> Tool:
        """The tool.

        Raises:
            DeviceError: there is none.
        """
        return self._find()

    def command(
        self, artifact: Artifact, settings: Settings, sample: Sample
    ) -> tuple[list[str], ToolFlags]:
        """Push what the tool needs, and return it with its arguments, all but the numbers of runs.

        Raises:
            DeviceError: the tool does not know a flag that it needs.
            DeviceError: a file did not arrive.
        """
        put = self._workspace.put
        executable = put(self.tool.content, mode=0o755)
        flags = self._known_flags(executable)
        graph = put(artifact.read_bytes(), ".tflite")
        libraries = self._push_libraries(settings)
        command = flags.command(executable, graph, settings.threads, settings.delegate, libraries)
        if flags.takes_input:
            command += flags.input_arguments(put(sample.content, ".input"), sample.shape)
        return command, flags

    def _push_libraries(self, settings: Settings) -> str | None:
        """Push the vendor's libraries under their own names; return the directory on the device."""
        if settings.libraries is None:
            return None
        try:
            files = {path.name: path.read_bytes() for path in settings.libraries.glob("*.so")}
        except OSError as error:
            raise DeviceError(f"{settings.libraries}: cannot be read ({error.strerror})") from None
        if not files:
            raise DeviceError(f"{settings.libraries}: holds no *.so (--device-libraries)")
        for name, content in files.items():
            self._workspace.put(content, name=name)
        return self._workspace.path

    def _known_flags(self, executable: str) -> ToolFlags:
        """Ask the tool which flags it has, once."""
        if self._flags is None:
            answer = self._workspace.device.run([executable, "--help"], check=False)
            try:
                self._flags = ToolFlags(parse_flags(answer.output))
            except OutputError:
                if answer.exit_status > 1:
                    raise exit_error(answer.exit_status, answer.output) from None
                raise
        return self._flags
