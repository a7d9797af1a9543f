"""The deliberate faults that `tests.mutants` tries, each with the tests that should notice."""

from __future__ import annotations

from dataclasses import dataclass

TRAIN = "tests/models/training/test_train.py"
COMMAND = "tests/models/training/test_train_command.py"
SERIES = "tests/models/data/test_series.py"
SEEDS = "tests/models/judging/test_seeds.py"
RUNTIMES = "tests/models/running/test_runtimes.py"
OPTIONS = "tests/fixtures/test_command_line.py"
DEVICES = "tests/bench/android/test_android_benchmarks.py"
ROBUSTNESS = "tests/models/judging/test_robustness.py"
EVALUATION = "tests/models/judging/test_evaluation.py"
CONTROLLER = "tests/bench/gate/test_controller.py"
VERDICT = "tests/bench/gate/test_verdict.py"
STORED = "tests/bench/gate/test_stored.py"
CLOSED = "tests/bench/gate/test_closed.py"
SEQUENTIAL = "tests/bench/gate/test_sequential.py"
COMPARABLE = "tests/bench/gate/test_comparable.py"
CHECKOUT = "tests/bench/gate/test_checkout.py"
LIVE = "tests/bench/gate/test_live_comparison.py"
GATE = "tests/bench/gate/test_gate_command.py"
COLD = "tests/bench/host/test_cold.py"
TIMED = "tests/bench/test_benchmarks.py"
MEASUREMENT = "tests/bench/android/test_android_measurement.py"
PROFILE = "tests/models/running/test_operator_profile.py"


@dataclass(frozen=True)
class Mutant:
    """A fault.

    Attributes:
        what: it does.
        file: that it is in.
        old: text that stands there once.
        new: in its place.
        tests: that should fail.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = (
    Mutant(
        "development learns from the first series",
        "models/data/series.py", "Split(learnt=~first, asked=first)",
        "Split(learnt=first, asked=~first)", SERIES,
    ),
    Mutant(
        "the reported network learns from the other series",
        "models/data/series.py", "training.take(is_first(training))",
        "training.take(~is_first(training))", SERIES,
    ),
    Mutant(
        "arcs ask about what they learn",
        "models/data/arcs.py", "Split(learnt=~asked, asked=asked)",
        "Split(learnt=asked | True, asked=asked)", "tests/models/data/test_arcs.py",
    ),
    Mutant(
        "a network of one series is asked about Test",
        "models/commands/training_runs.py", '"other-series": reported.other_series}',
        '"other-series": reported.the_test_split}', COMMAND,
    ),
    Mutant(
        "nothing is augmented",
        "models/training/train.py",
        "pixels = augment(pixels, seed)", "pass", TRAIN,
    ),
    Mutant(
        "no picture is cut",
        "models/training/train.py", "if recipe.cut_mix:", "if False:", TRAIN,
    ),
    Mutant(
        "a cut picture keeps its target",
        "models/training/augmentation.py", "(targets[::-1] - targets) * area", "0 * area",
        "tests/models/training/test_augmentation.py",
    ),
    Mutant(
        "each epoch has the same order",
        "models/training/train.py", "[recipe.seed, epoch])", "[recipe.seed, 0])", TRAIN,
    ),
    Mutant(
        "another training's checkpoint is taken up",
        "models/training/checkpoint.py", 'state["identity"] == self._identity', "True", TRAIN,
    ),
    Mutant(
        "the optimizer's state is not kept",
        "models/training/checkpoint.py", "[*model.variables, *model.optimizer.variables]",
        "[*model.variables]", TRAIN,
    ),
    Mutant(
        "dropout begins anew when a training is resumed",
        "models/training/checkpoint.py", "*model.variables,", "*model.weights,", TRAIN,
    ),
    Mutant(
        "evaluate never says that a card differs",
        "models/commands/evaluate_command.py", "return 1 if differs else 0", "return 0", COMMAND,
    ),
    Mutant(
        "the interval takes the photograph as its unit",
        "models/judging/seeds.py", "        (rights, counts),\n",
        "        (np.repeat(rights / counts, counts.astype(int)), np.ones(counts.sum())),\n", SEEDS,
    ),
    Mutant(
        "McNemar's test counts one side twice",
        "models/judging/seeds.py", "(other & ~one)", "(one & ~other)", SEEDS,
    ),
    Mutant(
        "the mean over seeds is the first seed's",
        "models/judging/seeds.py", "rights.mean(axis=0)", "rights[0]", SEEDS,
    ),
    Mutant(
        "--threads is ignored by the interpreters",
        "models/running/runtimes.py", "num_threads=threads", "num_threads=1", RUNTIMES,
    ),
    Mutant(
        "--threads is ignored by LiteRT's CompiledModel",
        "models/running/compiled_model.py", "num_threads=threads", "num_threads=1", RUNTIMES,
    ),
    Mutant(
        "--threads is ignored for the project's models",
        "fixtures/runtimes.py", "partial(runtime.load, threads=threads)",
        "partial(runtime.load)", OPTIONS,
    ),
    Mutant(
        "--threads is ignored for one's own models",
        "fixtures/runtimes.py", "partial(runtime.load, threads=threads, input_shapes=shapes)",
        "partial(runtime.load, input_shapes=shapes)", OPTIONS,
    ),
    Mutant(
        "--device-threads is ignored",
        "fixtures/device_benches.py", "threads=setup.threads", "threads=1",
        f"{DEVICES}::test_threads_and_delegates_get_entries_of_their_own",
    ),
    Mutant(
        "--device-threads is not told to the tool",
        "bench/android/tool/tool_flags.py", "--num_threads={threads}", "--num_threads=1",
        "tests/bench/android/test_android_parsing.py",
    ),
    Mutant(
        "calibration takes Test",
        "models/commands/convert_command.py", "training.take(evenly_spread(len(training)))",
        "test.take(evenly_spread(len(test)))", COMMAND,
    ),
    Mutant(
        "robustness ignores Android's scaling",
        "models/judging/robustness.py", "Preparation(resampling=change.resampling)",
        "Preparation()", ROBUSTNESS,
    ),
    Mutant(
        "robustness accepts any accuracy",
        "models/judging/robustness.py", "self.accuracy >= SMALLEST_ACCEPTED_ACCURACY",
        "self.accuracy >= 0", ROBUSTNESS,
    ),
    Mutant(
        "two models' right answers alone are one model's",
        "models/judging/evaluation.py", "second.right & ~first.right",
        "first.right & ~second.right", EVALUATION,
    ),
    Mutant(
        "--min-accuracy is ignored",
        "models/commands/own_pictures.py", "< arguments.min_accuracy", "< 0", EVALUATION,
    ),
    Mutant(
        "the last round of a file is dropped",
        "bench/results/runs.py", "tuple(map(float, times_s))", "tuple(map(float, times_s[:-1]))",
        "tests/bench/results/test_runs.py",
    ),
    Mutant(
        "the last round of a worker is dropped",
        "bench/gate/measure/controller.py", 'tuple(message["rounds_s"])',
        'tuple(message["rounds_s"][:-1])', CONTROLLER,
    ),
    Mutant(
        "the last round of a benchmark is dropped",
        "fixtures/measure.py", "rounds=rounds,", "rounds=max(1, rounds - 1),", OPTIONS,
    ),
    Mutant(
        "the last round of a device is dropped",
        "bench/android/measurement.py",
        "[each.run.inference_ns / 1e9 for each in self.session.rounds]",
        "[each.run.inference_ns / 1e9 for each in self.session.rounds[:-1]]",
        f"{DEVICES}::test_host_and_device_stand_in_the_same_json",
    ),
    Mutant(
        "a regression passes",
        "bench/gate/judge/outcome.py", "if Verdict.REGRESSED in found:\n            return FAIL",
        "if Verdict.REGRESSED in found:\n            return PASS", VERDICT,
    ),
    Mutant(
        "what cannot be judged passes",
        "bench/gate/judge/outcome.py", "return CANNOT_JUDGE\n        return PASS",
        "return PASS\n        return PASS", VERDICT,
    ),
    Mutant(
        "figures alone pass",
        "bench/gate/judge/outcome.py",
        "if not self.latencies or ", "if ", VERDICT,
    ),
    Mutant(
        "an error passes",
        "bench/gate/closed.py", "file=sys.stderr)\n        return CANNOT_JUDGE",
        "file=sys.stderr)\n        return 0", CLOSED,
    ),
    Mutant(
        "an outcome that is written passes",
        "bench/gate/closed.py", "    return outcome.exit_status\n", "    return 0\n", CLOSED,
    ),
    Mutant(
        "the comparison of files always passes",
        "bench/gate/compare_command.py", "        return outcome.exit_status\n",
        "        return PASS\n", STORED,
    ),
    Mutant(
        "allowed growth is ignored",
        "bench/statistics/verdict.py", "if change > allowed:", "if change > 0:", VERDICT,
    ),
    Mutant(
        "allowed loss of accuracy is ignored",
        "bench/gate/judge/static_metrics.py", "allowed * base.images", "0", VERDICT,
    ),
    Mutant(
        "an architecture's own thresholds are ignored",
        "bench/gate/stored.py", 'thresholds.of(new[name].get("architecture"))',
        "thresholds.of(None)", STORED,
    ),
    Mutant(
        "min_effect is ignored between files",
        "bench/gate/stored.py", "estimate.lower > margins.effect", "estimate.lower > 0", STORED,
    ),
    Mutant(
        "--min-effect is ignored between files",
        "bench/gate/compare_command.py", "read().with_min_effect(arguments.min_effect)",
        "read()", STORED,
    ),
    Mutant(
        "min_effect is ignored between trees",
        "bench/statistics/sequential.py", "estimate.lower > track.margins.effect",
        "estimate.lower > 0", SEQUENTIAL,
    ),
    Mutant(
        "the margin is ignored between trees",
        "bench/statistics/sequential.py", "estimate.upper < track.margins.margin", "True",
        SEQUENTIAL,
    ),
    Mutant(
        "the margin is ignored between files",
        "bench/gate/stored.py", "estimate.upper < margins.margin and ", "", STORED,
    ),
    Mutant(
        "an operator that was added improves a model",
        "bench/gate/judge/static_metrics.py", "added.total() if added else -removed.total()",
        "-added.total() - removed.total()", VERDICT,
    ),
    Mutant(
        "host benchmarks of different sources are compared",
        "bench/gate/judge/comparable.py", '"protocol", "source", "dtype"', '"protocol", "dtype"',
        COMPARABLE,
    ),
    Mutant(
        "a slow-down worth failing for is the same between files",
        "bench/gate/stored.py", " and estimate.value <= margins.effect", "", STORED,
    ),
    Mutant(
        "the floor in microseconds is ignored between files",
        "bench/gate/stored.py", "allowed.floor_us", "0.0", STORED,
    ),
    Mutant(
        "medians of base and head are swapped between files",
        "bench/gate/stored.py", "median(old), median(new)", "median(new), median(old)", STORED,
    ),
    Mutant(
        "each of many benchmarks between files has the whole error",
        "bench/gate/stored.py", "level = FAMILY_ERROR / len(shared)", "level = FAMILY_ERROR",
        STORED,
    ),
    Mutant(
        "a slow-down of the margin is missed ten times as often",
        "bench/statistics/sequential.py", "self._miss * part", "10 * self._miss * part",
        SEQUENTIAL,
    ),
    Mutant(
        "a changed file's accuracy is compared with itself",
        "bench/gate/judge/live_accuracy.py", "measured[0], measured[1]",
        "measured[0], measured[0]", LIVE,
    ),
    Mutant(
        "a changed file's card may say any accuracy",
        "bench/gate/judge/live_accuracy.py", "AGREEMENT = 0.001", "AGREEMENT = 1", LIVE,
    ),
    Mutant(
        "a changed file's card may speak of other photographs",
        "bench/gate/judge/live_accuracy.py", "stated.fingerprint != accuracy.fingerprint",
        "False", LIVE,
    ),
    Mutant(
        "photographs that were named may be missing",
        "bench/gate/judge/live_accuracy.py", "if directory is not None:", "if False:", LIVE,
    ),
    Mutant(
        "a benchmark that one tree skips passes",
        "bench/gate/live_comparison.py", 'problems.append(f"{name}: {other} skipped it',
        'notes.append(f"{name}: {other} skipped it', LIVE,
    ),
    Mutant(
        "a benchmark that is gone from head passes",
        "bench/gate/live_comparison.py", 'problems.append(f"{name} is gone from head")',
        'notes.append(f"{name} is gone from head")', LIVE,
    ),
    Mutant(
        "a benchmark that base skips and head has not passes",
        "bench/gate/live_comparison.py", 'problems.append(f"{name} is gone from head (',
        'notes.append(f"{name} is gone from head (', LIVE,
    ),
    Mutant(
        "a benchmark that is skipped in a later block is passed over",
        "bench/gate/live_comparison.py",
        'raise GateError(f"{name} was skipped in block {len(self.blocks)}")', "continue", LIVE,
    ),
    Mutant(
        "an architecture's own margins are ignored between trees",
        "bench/gate/live_comparison.py",
        'self.thresholds.of(sample.info.get("architecture"))', "self.thresholds.of(None)", LIVE,
    ),
    Mutant(
        "--min-effect is ignored between trees",
        "bench/gate/gate_command.py", "read().with_min_effect(arguments.min_effect)", "read()",
        f"{GATE}::test_a_regression_that_is_allowed_is_none",
    ),
    Mutant(
        "models of several threads share a core",
        "bench/gate/gate_command.py", '_threads(words) == "1"', "True", LIVE,
    ),
    Mutant(
        "the core that all share is not bound to",
        "bench/gate/measure/inside/gate_worker.py", "os.sched_setaffinity(0, self._cpus)", "pass",
        f"{CONTROLLER}::test_all_trees_run_on_the_cores_of_the_block",
    ),
    Mutant(
        "one core is shared whatever is asked",
        "bench/gate/measure/controller.py", "_cpus(number) if settings.shares_core else []",
        "_cpus(number)", f"{CONTROLLER}::test_all_trees_run_on_the_cores_of_the_block",
    ),
    Mutant(
        "a base with other pins runs in head's environment",
        "bench/gate/measure/checkout.py",
        "if not pins.is_file() or _pins(pins) == _pins(root / REQUIREMENTS):", "if True:",
        CHECKOUT,
    ),
    Mutant(
        "an environment that could not be built is used",
        "bench/gate/measure/checkout.py",
        "if done.returncode:\n                raise", "if False:\n                raise", CHECKOUT,
    ),
    Mutant(
        "a file's metadata is ignored",
        "models/commands/arguments.py", "normalisation_of(file.read_bytes(), spec)",
        "Normalisation.of_input(spec)", EVALUATION,
    ),
    Mutant(
        "--fit is ignored",
        "models/commands/arguments.py", "fit=arguments.fit or stored.fit", "fit=stored.fit",
        EVALUATION,
    ),
    Mutant(
        "--warmup-rounds is ignored",
        "fixtures/measure.py", "warmup_rounds=warmup_rounds,", "warmup_rounds=0,", COLD,
    ),
    Mutant(
        "a round of a device has one inference before those that count",
        "bench/android/tool/tool_flags.py", "--warmup_runs={warmups}", "--warmup_runs=1",
        f"{MEASUREMENT}::test_what_a_comparison_needs_is_recorded",
    ),
    Mutant(
        "the cold protocol leaves the file in the kernel's cache",
        "fixtures/measure.py", "clearer(files)", "clearer(())", COLD,
    ),
    Mutant(
        "the cold protocol leaves the processor's caches as they are",
        "bench/host/cold.py", "np.add(lines, 1, out=lines)", "pass", COLD,
    ),
    Mutant(
        "the cold protocol leaves the heap as it is",
        "bench/host/cold.py", "        _trim_heap()\n        for", "        for", COLD,
    ),
    Mutant(
        "no inference is timed",
        "bench/test_host_inference.py", "measure(interpreter.invoke, info=info)",
        "measure(_nothing, info=info)", TIMED,
    ),
    Mutant(
        "an inference that was not run is not noticed",
        "bench/test_host_inference.py",
        "    assert not fault or difference(stale, actual), fault\n", "", TIMED,
    ),
    Mutant(
        "loading is timed with the first inference",
        "bench/test_stages.py", "measure(_invoke, info=info, setup=filled)",
        "measure(lambda: _invoke(filled()[0][0]), info=info)", TIMED,
    ),
    Mutant(
        "every photograph counts as right",
        "models/judging/accuracy.py", "Accuracy(int(right.sum()), len(photographs)",
        "Accuracy(len(right), len(photographs)",
        "tests/models/judging/test_accuracy.py::test_right_answers_among_all_are_counted",
    ),
    Mutant(
        "LiteRT's own tool is read in microseconds",
        "bench/ratio/harness_command.py", "round(1e6 * _run", "round(1e3 * _run",
        "tests/bench/ratio/test_harness.py",
    ),
    Mutant(
        "the latency beside a ratio is in milliseconds",
        "bench/ratio/ratio.py", "float(np.median(column)) / 1e3",
        "float(np.median(column)) / 1e6", "tests/bench/ratio/test_ratios.py",
    ),
    Mutant(
        "a profiled call is told in milliseconds",
        "models/running/operator_rounds.py", "(time.perf_counter_ns() - before) / 1e3",
        "(time.perf_counter_ns() - before) / 1e6",
        f"{PROFILE}::test_every_round_that_was_asked_for_is_measured",
    ),
)  # fmt: skip
