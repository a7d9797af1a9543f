"""One round inside an app: the official benchmark app, started anew, and what it wrote to the log.

Source: the TensorFlow Authors, tensorflow/lite/tools/benchmark/android (package, activity, how it
takes its arguments, the tag it logs under).
"""

from __future__ import annotations

from bench.android.tool.tool_flags import REQUIRED, ToolFlags

PACKAGE = "org.tensorflow.lite.benchmark"
ACTIVITY = f"{PACKAGE}/.BenchmarkModelActivity"
FLAGS = ToolFlags(
    frozenset(
        (
            *REQUIRED, "use_gpu", "use_nnapi", "use_xnnpack", "input_layer", "input_layer_shape",
            "input_layer_value_files",
        )
    )
)  # fmt: skip
"""The app cannot be asked; it logs an unknown flag, which counts as a failure like the tool's."""

SCRIPT = f"""mark="cnn-latency round $$ of $(cat /proc/uptime)"
log -t cnn-latency "$mark"
am start -S -W -n {ACTIVITY} --es args "$*" > start.log 2>&1 || {{ cat start.log; exit 1; }}
if grep -q '^Error' start.log; then grep '^Error' start.log; exit 1; fi
ended=
while :; do
  logcat -d -v raw -s tflite:V cnn-latency:V | sed "1,/^$mark/d" > app.log
  if grep -q -e 'Inference timings in us' -e 'Benchmarking failed' app.log; then break; fi
  if [ -n "$ended" ]; then
    cat app.log
    echo 'ERROR: Benchmarking failed: the app ended without a result'
    exit 1
  fi
  pidof {PACKAGE} > /dev/null || ended=1
  sleep 0.2
done
cat app.log
am force-stop {PACKAGE}
""".encode()
"""Prints what the app logged since a mark of its own; so the phone's log is not cleared."""
