"""The files and commands of the emulated device, as a Galaxy S8 (SM-G950F) shows them.

The values are those of the study's phone on Android 9: Exynos 8895, four cores of 1.69 GHz and
four of 2.31 GHz, no thermal service and no fixed-performance mode. `ANDROID_11` adds both, as the
first Android version that has them does.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

CORES_KHZ = (1_690_000,) * 4 + (2_314_000,) * 4

PROPERTIES = {
    "ro.product.manufacturer": "samsung",
    "ro.product.model": "SM-G950F",
    "ro.product.name": "dreamltexx",
    "ro.product.device": "dreamlte",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
    "ro.board.platform": "exynos5",
    "ro.chipname": "exynos8895",
    "ro.hardware": "samsungexynos8895",
    "ro.kernel.qemu": "1",  # it does not pass for a phone
    "ro.build.fingerprint": "samsung/dreamltexx/dreamlte:9/PPR1.180610.011/G950FXXS9DTF1:user/rel",
}

BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  Charge counter: 2400000
  status: 2
  health: 2
  present: true
  level: 87
  scale: 100
  voltage: 4221
  temperature: 284
  technology: Li-ion
"""

POWER = """POWER MANAGER (dumpsys power)

Power Manager State:
  mDirty=0x0
  mWakefulness=Awake
  mIsPowered=true
  mStayOn=false
Display Power: state=ON
"""

THERMAL_SERVICE = """IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 1
\tkilled: false
\tbroadcasts count: -1
ThermalStatusListeners:
\tcallbacks: 2
\tkilled: false
\tbroadcasts count: -1
Thermal Status: {status}
Cached temperatures:
\tTemperature{{mValue=31.5, mType=3, mName=SKIN, mStatus={status}}}
HAL Ready: true
HAL connection:
\tThermalHAL 2.0 connected: yes
Current temperatures from HAL:
\tTemperature{{mValue=41.0, mType=0, mName=BIG, mStatus=0}}
\tTemperature{{mValue=31.5, mType=3, mName=SKIN, mStatus={status}}}
Current cooling devices from HAL:
\tCoolingDevice{{mValue=0, mType=2, mName=thermal-cpufreq-0}}
"""

ANDROID_COMMANDS = "system/xbin"
_HEADER = '#!/bin/sh\nroot="$EMULATED_ANDROID_ROOT"\n'
COMMANDS = {
    "getprop": """if [ $# -eq 0 ]; then
  for file in "$root"/system/properties/*; do echo "[${file##*/}]: [$(cat "$file")]"; done
elif [ -f "$root/system/properties/$1" ]; then cat "$root/system/properties/$1"
else echo; fi
""",
    "dumpsys": """stays_on() {
  read -r plugs 2>/dev/null < "$root/system/settings/global/stay_on_while_plugged_in"
  [ "${plugs:-0}" != 0 ] && grep -q 'powered: true' "$root/system/dumpsys/battery"
}
case "$1" in
  power) if stays_on; then sed 's/mStayOn=false/mStayOn=true/' "$root/system/dumpsys/power"
    else cat "$root/system/dumpsys/power"; fi;;
  package) if [ -f "$root/data/app/$2" ]; then echo "Packages:"; echo "  Package [$2] (8f1c2d3):"
    else echo "Unable to find package: $2"; fi;;
  *) if [ -f "$root/system/dumpsys/$1" ]; then cat "$root/system/dumpsys/$1"
    else echo "Can't find service: $1"; fi;;
esac
""",
    "am": """echo "am $*" >> "$root/system/log"
name=org.tensorflow.lite.benchmark
app="$root/data/app/$name" pid="$root/system/app.pid" log="$root/system/logcat"
stop() { number=$(cat "$pid" 2>/dev/null)
  rm -f "$pid" "$root/system/dumpsys/activity"
  [ -z "$number" ] || kill -9 "$number" 2>/dev/null || :; }
run() {
  sh "$app" "$@" > "$root/system/app.out" 2>&1 &
  echo "$!" > "$pid"
  wait "$!"
  status=$?
  [ -f "$pid" ] || exit  # it was stopped
  if [ "$status" -gt 128 ]; then
    rm -f "$pid"; echo "F libc: Fatal signal $((status - 128))" >> "$log"; fi
  sed -e '/not supported by GPU/,/will run on the GPU/s/^\\(ERROR: \\)*/E tflite: /' -e t \\
    -e 's/^ERROR: /E tflite: /' -e t -e 's/^[A-Z]*: //' -e 's/^/I tflite: /' \\
    "$root/system/app.out" >> "$log"
  rm -f "$root/system/dumpsys/activity"; }  # its process stays, with nothing to do
case "$1" in
  kill-all) ;;
  force-stop) stop;;
  start)
    while [ $# -gt 1 ] && [ "$1" != args ]; do shift; done
    [ -f "$app" ] || { echo 'Error type 3'; echo 'Error: Activity class does not exist.'; exit 0; }
    stop
    echo "  mResumedActivity: ActivityRecord{8f1c2d3 u0 $name/.BenchmarkModelActivity t12}" \\
      > "$root/system/dumpsys/activity"
    run $2 < /dev/null > /dev/null 2>&1 &
    waited=0
    while [ -f "$root/system/dumpsys/activity" ] && [ "$waited" -lt 100 ]; do
      sleep 0.1; waited=$((waited + 1))
    done
    [ "$waited" -lt 100 ] && echo 'Status: ok' || echo 'Status: timeout';;
  *) echo "Error: unknown command '$1'" >&2; exit 255;;
esac
""",
    "cmd": """echo "cmd $*" >> "$root/system/log"
sdk=$(cat "$root/system/properties/ro.build.version.sdk")
if [ "$1 $2" = "power set-fixed-performance-mode-enabled" ] && [ "$sdk" -ge 30 ]; then
  echo "$3" > "$root/system/fixed-performance-mode"
else echo "Unknown command: $2"; exit 255; fi
""",
    "settings": """file="$root/system/settings/$2/$3"
[ "$1" = get ] || echo "settings $*" >> "$root/system/log"
case "$1" in
  get) if [ -f "$file" ]; then cat "$file"; else echo null; fi;;
  put) echo "$4" > "$file";;
  delete) rm -f "$file"; echo "Deleted 1 rows";;
esac
""",
    "pm": """echo "pm $*" >> "$root/system/log"
app="$root/data/app/org.tensorflow.lite.benchmark"
case "$1" in
  path) [ -f "$app" ] && echo "package:$app";;
  install)
    mkdir -p "$root/data/app"
    while [ $# -gt 1 ]; do shift; done
    cp "$1" "$app" && echo Success;;
  uninstall) [ -f "$app" ] || { echo 'Failure [DELETE_FAILED_INTERNAL_ERROR]'; exit 1; }
    am force-stop org.tensorflow.lite.benchmark; rm -f "$app"; echo Success;;
esac
""",
    "log": """echo "I $2: $3" >> "$root/system/logcat"
""",
    "logcat": """format=threadtime tags=
while [ $# -gt 0 ]; do
  case "$1" in
    -v) format=$2; shift;;
    *:[VF]) tags="$tags${tags:+|}${1%:?}";;
  esac
  shift
done
case "$format" in
  raw) edit='s/^. [^:]*: //';;
  tag) edit='s/^(.) ([^:]*): /\\1\\/\\2  : /';;
  *) edit='s/^(.) ([^:]*): /11-30 23:10:00.000  4711  4711 \\1 \\2: /';;
esac
grep -E "^. ($tags): " "$root/system/logcat" | sed -E "$edit"
""",
    "pidof": """cat "$root/system/app.pid" 2>/dev/null
""",
    "input": """echo "input $*" >> "$root/system/log"
case "$2" in
  224) sed -i 's/mWakefulness=.*/mWakefulness=Awake/' "$root/system/dumpsys/power";;
  223) sed -i 's/mWakefulness=.*/mWakefulness=Asleep/' "$root/system/dumpsys/power";;
esac
""",
    "getconf": """cat "$root/system/page-size"
""",
    "taskset": """echo "taskset $1" >> "$root/system/log"
case "$1" in ''|*[!0-9a-fA-F]*) echo "taskset: bad mask '$1'" >&2; exit 1;; esac
read -r usable < "$root/system/usable-cores"
[ $((0x$1 & ~0xff)) -eq 0 ] && [ $((0x$1 & 0x$usable)) -ne 0 ] || {
  echo "taskset: Invalid argument" >&2; exit 1; }
shift
exec "$@"
""",
    "id": """[ "$1" = -u ] || printf uid=
cat "$root/system/uid"
""",
    "su": """echo "/system/bin/sh: su: not found" >&2
exit 127
""",
    "uname": """echo 4.4.111-18187245
""",
}


@dataclass(frozen=True)
class Profile:
    """What the emulated device is, or says that it is."""

    android: str = "9"
    sdk: int = 28
    has_thermal_service: bool = False
    is_rooted: bool = False
    has_android_commands: bool = False  # mksh and toybox, as on a phone, not this machine's own


GALAXY_S8 = Profile()
ANDROID_11 = Profile("11", 30, has_thermal_service=True)
ROOTED = replace(GALAXY_S8, is_rooted=True)
MKSH_AND_TOYBOX = replace(ANDROID_11, has_android_commands=True)

TOYBOX_COMMANDS = (
    "cat", "chmod", "cp", "cut", "echo", "env", "false", "grep", "head", "kill", "ls", "mkdir",
    "mv", "printf", "readlink", "rm", "sed", "sha256sum", "sleep", "sort", "tail", "touch", "tr",
    "true", "uniq", "wc",
)  # fmt: skip
"""What the device has of toybox's commands: none that stops or restarts a machine."""


def install(root: Path, profile: Profile) -> None:
    """Write the device's files and commands below `root`."""
    files = {
        **{f"system/properties/{name}": value + "\n" for name, value in PROPERTIES.items()},
        "system/properties/ro.build.version.release": profile.android + "\n",
        "system/properties/ro.build.version.sdk": f"{profile.sdk}\n",
        "system/dumpsys/battery": BATTERY,
        "system/dumpsys/power": POWER,
        "system/settings/global/airplane_mode_on": "1\n",
        "system/fixed-performance-mode": "false\n",
        "system/uid": "0\n" if profile.is_rooted else "2000\n",
        "system/log": "",
        "system/logcat": "I tflite: Inference timings in us: Init: 1, of somebody else\n",
        "system/page-size": "4096\n",
        "system/usable-cores": "ff\n",
        "sys/devices/system/cpu/online": "0-7\n",
        "proc/self/status": "Name:\tcat\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\n",
        "sys/class/thermal/thermal_zone0/type": "BIG\n",
        "sys/class/thermal/thermal_zone0/temp": "41000\n",
        "sys/class/thermal/thermal_zone1/type": "LITTLE\n",
        "sys/class/thermal/thermal_zone1/temp": "38000\n",
        "proc/sys/vm/drop_caches": "0\n",
        "proc/sys/kernel/random/boot_id": f"{uuid.uuid4()}\n",
        "data/local/tmp/.keep": "",
    }
    if profile.has_thermal_service:
        files["system/dumpsys/thermalservice"] = THERMAL_SERVICE.format(status=0)
    for core, frequency_khz in enumerate(CORES_KHZ):
        directory = f"sys/devices/system/cpu/cpu{core}/cpufreq"
        files[f"{directory}/cpuinfo_max_freq"] = f"{frequency_khz}\n"
        files[f"{directory}/scaling_max_freq"] = f"{frequency_khz}\n"
        files[f"{directory}/scaling_cur_freq"] = f"{frequency_khz // 2}\n"
        files[f"{directory}/scaling_governor"] = "interactive\n"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, body in COMMANDS.items():
        path = root / "system/bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_HEADER + body)
        path.chmod(0o755)
    (root / "proc/uptime").symlink_to("/proc/uptime")
    if profile.has_android_commands:
        _install_android_commands(root)


def android_commands_missing() -> str | None:
    """Return which program this machine lacks for a phone with Android's commands, else None."""
    return next((name for name in ("mksh", "toybox") if shutil.which(name) is None), None)


def _install_android_commands(root: Path) -> None:
    toybox, mksh = shutil.which("toybox"), shutil.which("mksh")
    if toybox is None or mksh is None:
        raise FileNotFoundError(f"{android_commands_missing()} is not installed")
    directory = root / ANDROID_COMMANDS
    directory.mkdir(parents=True)
    for name in TOYBOX_COMMANDS:
        (directory / name).symlink_to(toybox)
    (directory / "sh").symlink_to(mksh)


def shell_of(root: Path) -> tuple[str, str]:
    """Return the program that runs the device's commands, and where it looks for others."""
    own = root / ANDROID_COMMANDS
    if own.exists():
        return str(own / "sh"), f"{root}/system/bin:{own}"
    return "/bin/sh", f"{root}/system/bin:/usr/bin:/bin"


def set_frequency_cap(root: Path, fraction: float) -> None:
    """Cap the frequency of every core, as a hot phone does; 1.0 is no cap."""
    for core, frequency_khz in enumerate(CORES_KHZ):
        path = root / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_max_freq"
        path.write_text(f"{int(frequency_khz * fraction)}\n")


def set_thermal_status(root: Path, status: int) -> None:
    """Let the thermal service report a status, 0 (none) to 6 (shutdown)."""
    (root / "system/dumpsys/thermalservice").write_text(THERMAL_SERVICE.format(status=status))


FILE_NAME = "faults.json"
"""Where the emulated `benchmark_model`, a process of its own, reads what to do wrong."""

TOOL_FAULTS = (
    "crash", "bad model", "hang", "garbage", "half line", "backward clock", "short model",
    "wrong answer", "throttle", "delegate falls back", "delegate takes a part",
    "delegate is not told", "not linked", "too old",
)  # fmt: skip


def tool_fault() -> str | None:
    """Count a run of `benchmark_model` and return what it has to do wrong, if anything."""
    path = Path(os.environ["EMULATED_ANDROID_ROOT"]) / FILE_NAME
    if not path.exists():
        return None
    state = json.loads(path.read_text())
    run = state["runs"]
    path.write_text(json.dumps({**state, "runs": run + 1}))
    return state["fault"] if run >= state["from_run"] else None
