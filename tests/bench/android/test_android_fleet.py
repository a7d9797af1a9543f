"""Several phones at the same time."""

import threading

import pytest

from bench.android.adb.errors import DeviceError, DeviceLostError
from bench.android.deployment import DeviceSettings
from bench.android.fleet import Fleet, Job
from bench.android.measure import Progress

MODEL = "a model"
TIMEOUT_S = 60


class Bench:
    """What measures on a phone, as a fleet sees it."""

    def __init__(self, measure) -> None:
        self.measure = measure
        self.device = self
        self.hung_up = threading.Event()

    def hang_up(self) -> None:
        self.hung_up.set()


def _jobs(*phones: str) -> list[Job]:
    return [Job(phone, MODEL, DeviceSettings()) for phone in phones]  # type: ignore[arg-type]


def test_phones_measure_at_the_same_time():
    both = threading.Barrier(2, timeout=TIMEOUT_S)

    def measure(artifact, settings, progress):
        both.wait()  # which one alone would never pass
        return artifact

    bench = Bench(measure)
    fleet = Fleet(lambda _: bench, lambda _: Progress())
    jobs = _jobs("a", "b")
    fleet.start(jobs)
    assert [fleet.result(job) for job in jobs] == [MODEL] * 2
    fleet.close()


def test_one_that_dies_stops_no_other():
    def measure_or_die(artifact, settings, progress):
        raise DeviceLostError("gone", serial="b")

    benches = {"a": Bench(lambda artifact, *_: artifact), "b": Bench(measure_or_die)}
    fleet = Fleet(benches.__getitem__, lambda _: Progress())
    a, b = _jobs("a", "b")
    fleet.start([a, b])
    with pytest.raises(DeviceError, match="device b: gone"):
        fleet.result(b)
    assert fleet.result(a) == MODEL
    fleet.close()


def test_the_one_who_waits_is_told_by_all_phones():
    told = []

    class Told(Progress):
        def __init__(self, phone: str) -> None:
            self.phone = phone

        def tell(self, line: str) -> None:
            told.append((self.phone, line, threading.current_thread().name))

    def measure(artifact, settings, progress):
        progress.tell("hot")
        return artifact

    fleet = Fleet(lambda _: Bench(measure), Told)
    jobs = _jobs("a", "b")
    fleet.start(jobs)
    for job in jobs:
        fleet.result(job)
    fleet.close()
    here = threading.current_thread().name
    assert sorted(told) == [("a", "hot", here), ("b", "hot", here)]


def test_closing_ends_what_is_under_way():
    begun = threading.Event()

    def measure(artifact, settings, progress):
        begun.set()
        assert bench.hung_up.wait(TIMEOUT_S)
        raise DeviceLostError("hung up")

    bench = Bench(measure)
    fleet = Fleet(lambda _: bench, lambda _: Progress())
    fleet.start([*_jobs("a"), Job("a", "another", DeviceSettings())])  # type: ignore[arg-type]
    assert begun.wait(TIMEOUT_S)
    fleet.close()
    assert not [thread for thread in threading.enumerate() if "phone a" in thread.name]
