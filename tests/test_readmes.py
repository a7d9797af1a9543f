"""Commands that pages show run word for word, options that they name exist, links lead somewhere.

A block of commands says behind "sh" what it needs that no test has: minutes, a phone, photographs,
network. The others run in a copy of the project that holds the files they name.
"""

import importlib
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from models.data.canary_images import canary_images
from models.files.artifacts import artifact
from models.running.runtimes import RUNTIMES
from tests.processes import ROOT, git
from tests.test_bad_input import WRONG

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted(ROOT.rglob("*.md"))
    if not any(part[0] == "." for part in path.relative_to(ROOT).parts)
}
BLOCK = re.compile(r"^ *```sh *(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SCRIPTS = {
    page: "".join(commands for needed, commands in BLOCK.findall(text) if not needed)
    for page, text in PAGES.items()
}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*\b(?!_)")  # with "_" it is the phone's tool's
OTHERS = {
    "android": {"--ddp", "--gcp"},
    "gate": {"--into", "--slow-downs"},  # of tests/proofs/self_check.py
    "requirements": {
        *("--add-architecture", "--target", "--python-platform", "--python-version"),
        *("--only-binary", "--no-binary", "--mount", "--bind"),
    },
}
"""Options of other programs, by the page's folder."""

TOX = """#!{python}
import configparser, shlex, subprocess, sys
_, name, *words = sys.argv[1:]
file = configparser.RawConfigParser()
file.read("tox.ini")
for line in file["testenv:" + name]["commands"].strip().splitlines():
    done = subprocess.run(line.replace("{{posargs}}", shlex.join(words[1:])), shell=True)
    if done.returncode:
        sys.exit(done.returncode)
"""
"""tox without its environments: `tox -e NAME -- WORDS` runs what tox.ini says, here and now."""


@pytest.fixture
def copy(tmp_path):
    """The project and what its pages name: a model, labelled pictures."""
    copy = tmp_path / "project"
    left_out = shutil.ignore_patterns(".*", "__pycache__", "build")
    shutil.copytree(ROOT, copy, ignore=left_out)
    shutil.copytree(ROOT / ".github", copy / ".github")
    shutil.copy(artifact("patch_separable", "int8").path, copy / "my.tflite")
    (copy / "labels.txt").write_text("\n".join(map(str, range(20))), encoding="utf-8")
    model = RUNTIMES["litert"].load(copy / "my.tflite")
    for number, pixels in enumerate(canary_images()):
        folder = copy / "DIR" / str(model.classify(model.input.quantise(pixels)))
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (copy / "my_app.py").write_text("def sharpened(pixels):\n    return pixels\n", encoding="utf-8")
    (ten_lines,) = re.findall(
        r"```python\n([^`]*my_app.*?)```", PAGES["tests/models/preprocessing/README.md"], re.DOTALL
    )
    (copy / "tests/test_sharpening.py").write_text(ten_lines, encoding="utf-8")
    tox = copy / ".venv/bin/tox"
    tox.parent.mkdir(parents=True)
    tox.write_text(TOX.format(python=sys.executable), encoding="utf-8")
    tox.chmod(tox.stat().st_mode | stat.S_IEXEC)
    git(copy, "init", "--quiet", "--initial-branch", "main")
    git(copy, "add", ".")
    git(copy, "commit", "--quiet", "--message", "all")
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, script in SCRIPTS.items() if script])
def test_commands_run(page, copy):
    measured = "bench/test_host_inference.py --benchmark-only --model my.tflite --runtime litert"
    before = f"""set -eux
        for commit in one two; do
            git -c user.name=A -c user.email=a@example.org commit --quiet --allow-empty -m $commit
            python -m pytest -q {measured} --rounds 3 --benchmark-autosave
        done
        mkdir results; cp .benchmarks/*/*.json results\n"""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", before + SCRIPTS[page]], cwd=copy, env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def helped(program: str, command: str, capsys) -> set[str]:
    """The options of a subcommand."""
    with pytest.raises(SystemExit):
        importlib.import_module(f"{program}.__main__").main([command, "--help"])
    return set(OPTION.findall(capsys.readouterr().out))


@pytest.mark.parametrize("page", PAGES)
def test_options_of_subcommands_exist(page, capsys):
    commands = "".join(text for _, text in BLOCK.findall(PAGES[page])).replace("\\\n", "")
    for program, command, rest in re.findall(r"-m (models|bench) (\w+)([^\n#&]*)", commands):
        ours = rest if command != "gate" else rest.replace("--architecture", "")  # pytest's
        assert set(OPTION.findall(ours)) <= helped(program, command, capsys), rest


def test_options_exist(pytestconfig, capsys):
    known = {f"--{name.replace('_', '-')}" for name in vars(pytestconfig.option)}
    for program, commands in WRONG.items():
        known.update(*(helped(program, command, capsys) for command in commands))
    for page, text in PAGES.items():
        if page != "CHANGELOG.md":  # which names those that are gone
            others = OTHERS.get(page.split("/")[-2] if "/" in page else "", set())
            assert set(OPTION.findall(text)) <= known | others, page


def anchor(heading: str) -> str:
    """The name that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_links_lead_somewhere():
    for page, text in PAGES.items():
        for link in re.findall(
            r"\]\((?!https?:)([^)]+)\)", re.sub("```.*?```", "", text, flags=re.DOTALL)
        ):
            name, _, heading = link.partition("#")
            target = ((ROOT / page).parent / name).resolve() if name else ROOT / page
            assert target.exists(), (page, link)
            if heading:
                headings = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), re.MULTILINE)
                assert heading in map(anchor, headings), (page, link)
