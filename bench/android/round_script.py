"""What the device's shell does in each round of a model.

The shell does all of a round by itself and reports as it goes, so that no round waits for the
connection. It says what it does in lines that begin with a token which nobody else knows;
everything else is the tool's. It cleans up after itself where the connection ends, since then
nobody else can.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.android.adb.files import SESSION_FILE, TOOL_FILE

CLEAR_EVERY_S = 10
"""How long background apps stay ended: `am` takes as long as many a round, and apps do not come
back at once."""

THERMAL_STATUS_EVERY_S = 5
"""How long passes between two looks at the thermal service, which are slow."""


@dataclass(frozen=True)
class Plan:
    """What a shell does in each round.

    Attributes:
        command: the tool and its arguments.
        rounds: how often.
        inferences: how many inferences the tool is asked for.
        name: what messages call a round.
        cpu_mask: cores that the tool may run on (hexadecimal); None for all.
        kill_background_apps: whether `am kill-all` goes before the rounds, and again and again.
        drop_caches: the command that drops the page caches before each round; None for none.
        caps_khz: by the files with the frequencies that the cores are capped at, what each says of
            a phone that is not throttled.
        watch_thermal_service: whether the thermal service is looked at between rounds.
        restoring: what the shell runs where the connection ends: it takes back what was changed.
    """

    command: Sequence[str]
    rounds: int
    inferences: int
    name: str = "round"
    cpu_mask: str | None = None
    kill_background_apps: bool = True
    drop_caches: Sequence[str] | None = None
    caps_khz: Mapping[str, int] = field(default_factory=dict)
    watch_thermal_service: bool = False
    restoring: Sequence[Sequence[str]] = ()


def round_script(plan: Plan, directory: str, token: str) -> str:
    """Return what the device's shell runs; every argument in it is quoted.

    The process is a job of its own so that the shell knows its number and, while it waits, still
    notices that the connection ended (SIGHUP). That can happen right after the process was begun,
    so the handler asks the shell itself for the number.
    """
    command = list(plan.command)
    if plan.cpu_mask is not None:
        command = ["taskset", plan.cpu_mask, *command]
    kill_apps = (
        f"[ $((${{now%.*}} - cleared)) -lt {CLEAR_EVERY_S} ] || {{\n"
        "    am kill-all >/dev/null 2>&1; killed=$? cleared=${now%.*}\n  }"
        if plan.kill_background_apps
        else ":"
    )
    drop = (
        f"{shlex.join(plan.drop_caches)} >/dev/null 2>&1; dropped=$?" if plan.drop_caches else ":"
    )
    read_caps = "".join(
        f"cap=; read -r cap 2>/dev/null < {shlex.quote(file)}; caps=$caps,$cap\n  "
        for file in plan.caps_khz
    )
    restore = "".join(f"{shlex.join(command)} >/dev/null 2>&1\n  " for command in plan.restoring)
    thermal = (
        f"[ $((${{after%.*}} - looked)) -lt {THERMAL_STATUS_EVERY_S} ] || {{\n"
        f"    echo {token} thermal $(dumpsys thermalservice | grep 'Thermal Status:')\n"
        "    looked=${after%.*}\n  }"
        if plan.watch_thermal_service
        else ":"
    )
    return f"""
lost() {{
  trap '' HUP PIPE TERM INT
  [ "$!" = "$ended" ] || kill -9 "$!"
  {restore}cd /
  rm -rf {shlex.quote(directory)}
  exit 1
}}
trap lost HUP PIPE TERM INT
cd {shlex.quote(directory)} || exit 1
echo $$ > {SESSION_FILE}
dropped=- round=0 ended= cleared=-{CLEAR_EVERY_S} looked=-{THERMAL_STATUS_EVERY_S}
while [ "$round" -lt {plan.rounds} ]; do
  killed=-
  read -r now rest < /proc/uptime
  {kill_apps}
  {drop}
  read -r before rest < /proc/uptime
  echo {token} begin
  {shlex.join(command)} 2>&1 &
  echo "$!" > {TOOL_FILE}
  wait "$!"
  status=$? ended=$!
  : > {TOOL_FILE}
  read -r after rest < /proc/uptime
  caps=
  {read_caps}echo {token} end "$status" "$before" "$after" "caps$caps" "$killed" "$dropped"
  {thermal}
  round=$((round + 1))
done
trap - HUP PIPE TERM INT
rm -f {SESSION_FILE}
echo {token} done
"""
