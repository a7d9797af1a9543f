# ruff: noqa: E501
"""Results out of what benchmark_model printed elsewhere: public outputs, quoted with their source."""

import shutil

import pytest

from bench.__main__ import main
from bench.report.terminal import device_table
from bench.results.session import read_session

SYNAPTICS = """$ adb shell benchmark_model --graph=/data/local/tmp/mobilenet_v1_0.25_224_quant.tflite --use_nnapi=true --nnapi_accelerator_name=synap-npu

INFO: STARTING!
INFO: Tensorflow Version : 2.15.0
INFO: Log parameter values verbosely: [0]
INFO: Graph: [/data/local/tmp/mobilenet_v1_0.25_224_quant.tflite]
INFO: Use NNAPI: [1]
INFO: NNAPI accelerator name: [synap-npu]
INFO: NNAPI accelerators available: [synap-npu,nnapi-reference]
INFO: Loaded model /data/local/tmp/mobilenet_v1_0.25_224_quant.tflite
INFO: NNAPI delegate created.
WARNING: NNAPI SL driver did not implement SL_ANeuralNetworksDiagnostic_registerCallbacks!
VERBOSE: Replacing 31 out of 31 node(s) with delegate (TfLiteNnapiDelegate) node, yielding 1 partitions for the whole graph.
INFO: Explicitly applied NNAPI delegate, and the model graph will be completely executed by the delegate.
INFO: The input model file size (MB): 0.497264
INFO: Initialized session in 66.002ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=1 curr=637079

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=520 first=2531 curr=2793 min=1171 max=9925 avg=1885.74 std=870

INFO: Inference timings in us: Init: 66002, First inference: 637079, Warmup (avg): 637079, Inference (avg): 1885.74
INFO: Memory footprint delta from the start of the tool (MB): init=7.40234 overall=7.83203
"""
"""Of the page on just-in-time compilation in Synaptics' documentation of SyNAP (some lines are
left out), and below, of Texas Instruments' of an AM62X."""

XNNPACK = """INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Graph: [/usr/share/oob-demo-assets/models/ssd_mobilenet_v2_coco.tflite]
INFO: Signature to run: []
INFO: Use xnnpack: [1]
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: Explicitly applied XNNPACK delegate, and the model graph will be partially executed by the delegate w/ 1 delegate kernels.
INFO: The input model file size (MB): 67.3128
INFO: Initialized session in 614.333ms.
INFO: count=1 curr=905463 p5=905463 median=905463 p95=905463
INFO: count=50 first=900416 curr=898333 min=898007 max=906121 avg=899641 std=1549 p5=898333 median=899281 p95=904305
INFO: Inference timings in us: Init: 614333, First inference: 905463, Warmup (avg): 905463, Inference (avg): 899641
"""
PLAIN = """INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Graph: [/usr/share/oob-demo-assets/models/ssd_mobilenet_v2_coco.tflite]
INFO: Signature to run: []
INFO: Use xnnpack: [0]
INFO: The input model file size (MB): 67.3128
INFO: Initialized session in 5.579ms.
INFO: count=1 curr=1357602 p5=1357602 median=1357602 p95=1357602
INFO: count=50 first=1249964 curr=1240143 min=1238588 max=1252566 avg=1.24027e+06 std=2565 p5=1238753 median=1239807 p95=1247415
INFO: Inference timings in us: Init: 5579, First inference: 1357602, Warmup (avg): 1.3576e+06, Inference (avg): 1.24027e+06
"""


@pytest.fixture
def bring_in(device_model, tmp_path, capsys):
    """A function that brings logs in, of a model that is padded to the size that they tell."""

    def run(*logs: str, mb: float):
        model = tmp_path / "modelone.tflite"
        shutil.copyfile(device_model.path, model)
        with model.open("ab") as file:
            file.truncate(int(mb * 1e6))
        paths = [tmp_path / f"{number}.log" for number in range(len(logs))]
        for path, log in zip(paths, logs, strict=True):
            path.write_text(log)
        output = tmp_path / "results.json"
        status = main(
            ["import", *map(str, paths), f"--model={model}", "--device=lab", f"-o{output}"]
        )
        said = capsys.readouterr().err
        assert (status, output.exists(), len(said.splitlines())) in ((0, True, 0), (2, False, 1))
        return read_session(output) if output.exists() else said

    return run


def test_outputs_of_one_setup_are_the_rounds_of_a_device(bring_in):
    again = SYNAPTICS.replace("1885.74", "1890.74")
    session = bring_in(SYNAPTICS, again, mb=0.497264)
    results = {result.name: result for result in session.results}
    steady = results["test_device_inference[modelone-lab-nnapi]"]
    assert steady.times_s == (1885.74e-6, 1890.74e-6)
    assert results["test_device_load[modelone-lab-nnapi]"].times_s == (0.066002, 0.066002)
    assert steady.info["delegates"][0]["part"] == "whole"
    (device,) = device_table(session.results).columns[1].cells
    assert "nnapi, brought in, conditions unknown, answers not compared" in str(device)


def test_several_runs_of_several_processes_in_a_phones_log(bring_in):
    lines = [
        f"05-31 10:38:42.569 {process} {process} I tflite  : {line.partition(': ')[2]}"
        for process in (22206, 22300)
        for line in SYNAPTICS.splitlines()[2:]
    ]
    lines.insert(5, "05-31 10:38:42.570  900  901 I tflite  : Replacing 9 node(s) of another's")
    assert len(bring_in("\n".join(lines), mb=0.497264).results[0].times_s) == 2


def test_percentiles_are_kept(bring_in):
    (result, *_) = bring_in(XNNPACK, mb=67.3128).results
    assert result.name == "test_device_inference[modelone-lab]"
    assert result.info["percentiles_ns"] == [898_333_000, 899_281_000, 904_305_000]


@pytest.mark.parametrize(
    ("logs", "mb", "reason"),
    [
        ((XNNPACK, PLAIN), 67.3128, "1.log: another tool_flags"),
        ((XNNPACK, SYNAPTICS), 67.3128, "1.log: it ran a file of 0.497264 MB"),
        ((XNNPACK, XNNPACK), 67.3128, "1.log: holds the same as another of the logs"),
        ((SYNAPTICS.replace("31 out of 31", "0 out of 31"),), 0.497264, "nnapi took nothing of"),
        ((SYNAPTICS.partition("INFO: Inference")[0],), 0.497264, "no result line"),
        (("hello",), 1, "no result line; the last line is: hello"),
    ],
)
def test_what_is_refused(bring_in, logs, mb, reason):
    assert reason in bring_in(*logs, mb=mb)
