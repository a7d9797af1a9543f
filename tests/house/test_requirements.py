"""The requirements have their reasons, and install on every machine that their README names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import uv

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
FILES = [REQUIREMENTS / f"{name}.txt" for name in ("tests", "train", "lint", "compare")]
PLATFORMS = {
    "linux-x86_64": "x86_64-unknown-linux-gnu",
    "linux-arm64": "aarch64-manylinux_2_34",  # Raspberry Pi OS 12, Ubuntu 22.04 and later
    "macos-arm64": "aarch64-apple-darwin",
}
NO_NETWORK = ("error sending request", "Failed to fetch", "Could not connect", "dns error")


def pinned() -> set[str]:
    lines = "\n".join(path.read_text(encoding="utf-8") for path in REQUIREMENTS.glob("*.txt"))
    return set(re.findall(r"^([\w-]+)(?:\[\w+\])?==", lines, re.MULTILINE))


def reasons() -> dict[str, str]:
    """Which module the README's table says each package is imported as."""
    text = (REQUIREMENTS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w, -]+) \| (`\w+`|-) \| \w", text, re.MULTILINE)
    return {name: module.strip("`") for names, module in rows for name in names.split(", ")}


def test_every_package_has_its_reason_and_no_other_is_named():
    assert reasons().keys() == pinned()


def test_what_is_pinned_is_used():
    """A module is imported, by a statement or by its name; pytest itself loads xdist."""
    folders = ("models", "bench", "fixtures", "tests")
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in (REQUIREMENTS.parent / folder).rglob("*.py")
    )
    unused = {
        module
        for module in reasons().values()
        if not re.search(rf"^\s*(?:import|from) {module}\b|\"{module}[\".]", code, re.MULTILINE)
    }
    assert unused <= {"-", "xdist"}


def resolve(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Ask uv what would be installed. Unlike pip's, its markers are of the machine asked about."""
    done = subprocess.run(
        [uv.find_uv_bin(), "pip", "compile", "--quiet", "--only-binary=:all:", *arguments,
         "--python", sys.executable, "--no-python-downloads"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if any(text in done.stderr for text in NO_NETWORK):
        pytest.skip("no package index can be reached")
    return done


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_there_is_a_wheel_of_everything(platform, python):
    """`adbutils` and `pyvips` alone are built where they have no wheel: they are plain Python."""
    done = resolve(
        *FILES, "--python-version", python, "--python-platform", PLATFORMS[platform],
        "--no-binary=adbutils", "--no-binary=pyvips",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ai-edge-litert==" in done.stdout


@pytest.mark.slow
def test_what_has_no_wheel_is_told(tmp_path):
    """Else the test above could not fail."""
    asked = tmp_path / "asked.txt"
    asked.write_text("tensorflow-cpu==2.19.1\n", encoding="utf-8")
    done = resolve(asked, "--python-version=3.12", "--python-platform=aarch64-apple-darwin")
    assert done.returncode == 1
    assert "tensorflow-cpu" in done.stderr
