"""Time by operator on a phone: outputs of real ones, and the command."""

import tomllib
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.android.adb.errors import DeviceError
from bench.android.tool import output
from bench.android.tool.profile import ProfiledOperator, cut_profile
from bench.operators import OUTSIDE, SUM, WHOLE, read_record
from models.files.artifacts import artifact

OUTPUTS = tomllib.loads(Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_of_real_phones_are_read(name):
    """Each time is the printed mean, to the digits of that."""
    told = OUTPUTS[name]
    found = cut_profile(told["output"])[1]
    if "Inference timings" in told["output"]:  # it is quoted whole
        assert output.parse_round(told["output"], None).operators == found
    assert [(each.name, each.node, each.calls) for each in found] == [
        (operator, None if node < 0 else node, calls)
        for operator, node, calls, _ in told["operators"]
    ]
    for each, (*_, mean_ms) in zip(found, told["operators"], strict=True):
        assert each.microseconds == pytest.approx(1e3 * mean_ms * each.calls, abs=0.6 * each.calls)


COMPILED = """Model initialization: 3.00 ms
============================== Run Order ==============================
{rows}

Timings (microseconds): count=2 curr={total}
Memory (bytes): count=0
2 nodes observed

Delegate Statistics:
Op Name                                          Count    Avg(us)    Min(us)    Max(us)  Total(us)
Delegate/UploadOrBindTensorBuffer                   50     112.14         90        200       5607
Delegate/fully_connected_int8                      100       8.10          8          9        810
Warmup (first): 1 ms
"""
HEAD = "[node type] [first] [avg ms] [%] [cdf%] [mem KB] [times called] [Name]\n"
SOFTMAX = "SOFTMAX 0.1 0.020 10.000% 100.000% 0.000 50 [Unknown]:7"


def test_the_compiled_model_tools_sums_are_of_one_inference():
    """The GPU's statistics are those of a GPU, as a program that reads them quotes them."""
    kernel = "LITERT_CL 0.1 0.180 90.000% 90.000% 0.000 50 [Unknown]:9\n"
    text = "\n" + COMPILED.format(rows=HEAD + kernel + SOFTMAX, total=10_000)
    rest, found = cut_profile(text)
    assert [(each.name, each.calls, each.microseconds) for each in found] == [
        ("SOFTMAX", 1, 20.0),
        ("UploadOrBindTensorBuffer", 1, 112.14),
        ("fully_connected_int8", 2, 16.2),
    ]
    assert rest.split("\n")[1] == "Model initialization: 3.00 ms"
    assert rest.endswith("observed\n\nWarmup (first): 1 ms\n")


def test_of_two_delegates_each_stays_one_operator():
    """As nothing tells which of them the statistics are of."""
    kernels = (f"{name} 0.1 0.090 45.000% 90.000% 0.000 50 [Unknown]:9\n"
               for name in ("LITERT_CL", "TfLiteXNNPackDelegate"))  # fmt: skip
    text = "\n" + COMPILED.format(rows=HEAD + "".join(kernels) + SOFTMAX, total=10_000)
    names = [each.name for each in cut_profile(text)[1]]
    assert names == ["LITERT_CL", "TfLiteXNNPackDelegate", "SOFTMAX"]


@pytest.mark.parametrize("row", ["SOFTMAX 0.1", SOFTMAX.replace("10.000", "nan")])
def test_a_row_that_is_none_is_refused(row):
    with pytest.raises(DeviceError, match="no row of a profile: SOFTMAX"):
        cut_profile(COMPILED.format(rows=HEAD + row, total=1))


@pytest.fixture
def command(emulate, monkeypatch):
    """A function that runs the command on an emulated phone, and finds nothing left there."""
    phone = emulate()
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(phone.address.port))
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str, generation: str = "interpreter") -> int:
        tool = ["--device", phone.serial, "--device-tool", str(phone.tool(generation))]
        model = ["--architecture", "mobilenet_v2", "--precision", "int8", "--rounds", "2"]
        status = main(["operators", *model, *tool, *arguments])
        assert phone.files() == []
        return status

    return run


def test_the_table_is_the_hosts(command, tmp_path, capsys):
    path = tmp_path / "operators.json"
    assert command("--json", str(path)) == 0
    printed = capsys.readouterr().out
    for word in (
        "phone, 1 thread", "Convolution DWConv", "XNNPACK", "QUANTIZE", SUM, OUTSIDE, WHOLE,
    ):  # fmt: skip
        assert word in printed
    (model,) = read_record(path).models
    known = [each.multiply_accumulates for each in model.profile.operators]
    assert sum(known) == artifact("mobilenet_v2", "int8").details.multiply_accumulates
    assert model.profile.rounds == 2
    assert 0 < model.profile.operators_us < 100 * model.profile.invoke_us


def test_the_cost_of_a_whole_delegate_is_unknown(command, tmp_path, monkeypatch):
    kernel = ProfiledOperator("TfLiteXNNPackDelegate", 999, 1, 50.0)
    monkeypatch.setattr(output, "cut_profile", lambda text: (cut_profile(text)[0], (kernel,)))
    assert command("--json", str(tmp_path / "o.json")) == 0
    (operator,) = read_record(tmp_path / "o.json").models[0].profile.operators
    assert (operator.is_delegated, operator.multiply_accumulates) == (True, None)


def test_a_tool_without_a_profiler_costs_one_line(command, capsys):
    assert command(generation="compiled") == 1
    assert "knows no --enable_op_profiling: give --device-tool another" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--device-delegate=gpu"], ["--device=x", "--signature=a"]])
def test_an_option_that_would_do_nothing_is_refused(options, capsys):
    assert main(["operators", *options]) == 2
    assert "go with --device" in capsys.readouterr().err
