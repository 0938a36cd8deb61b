"""Clocks, medians, and what the operating system knows of this process."""

from __future__ import annotations

from time import perf_counter

TYPE_CHECKING = False  # what is imported here is missing from the cost of a peer's start
if TYPE_CHECKING:
    from collections.abc import Callable


def median(values: list[float]) -> float:
    """Return the middle one, or the upper of the two."""
    return sorted(values)[len(values) // 2]


def microseconds(clock: Callable[[], float], count: int, work: Callable[[], object]) -> float:
    """Return what *work*, which does a thing *count* times, costs for each."""
    begin = clock()
    work()
    return (clock() - begin) * 1e6 / count


def quantile(values: list[float], share: float) -> float:
    """Return the value below which *share* of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spin(turns: int) -> int:
    """Compute, in Python, without letting another thread in."""
    total = 0
    for number in range(turns):
        total += number & 7
    return total


def calibrate(seconds: float) -> int:
    """Return the turns of :func:`spin` that take so long on this machine, now."""
    turns = 20_000
    best = min(microseconds(perf_counter, turns, lambda: spin(turns)) for _ in range(20))
    return int(seconds * 1e6 / best)


def turns_of_loop(turns: int, seconds: float) -> list[float]:
    """Return what each turn of the loop took, of the wall's time."""
    samples = []
    end = perf_counter() + seconds
    while (begin := perf_counter()) < end:
        spin(turns)
        samples.append(perf_counter() - begin)
    return samples


def _status(key: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123  pathlib is no small import
        for line in file:
            if line.startswith(key):
                return int(line.split()[1])
    raise LookupError(key)


def resident() -> int:
    """Return the bytes of memory that this process has now."""
    return _status("VmRSS:") * 1024


def native_threads() -> int:
    """Return the number of threads of this process, those of native code too."""
    return _status("Threads:")
