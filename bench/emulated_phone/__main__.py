"""`python -m bench.emulated_phone`: a loopback phone until standard input ends (or Ctrl-C).

It prints one line of JSON: the adb server's address, the phone's serial, its `benchmark_model`.
"""

from __future__ import annotations

import contextlib
import json
import sys

from bench.emulated_phone.device import EmulatedDevice

if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt), EmulatedDevice() as phone:
        where = {"server": f"tcp:{phone.address}", "serial": phone.serial}
        print(json.dumps({**where, "tool": str(phone.tool())}), flush=True)
        sys.stdin.read()
