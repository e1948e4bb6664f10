"""A worker under the profiler, all of its threads: python -m dispatcher.bench.profiled FILE QUEUE."""

from __future__ import annotations

import cProfile
import pstats
import sys
import threading
import time

from dispatcher import cli, worker
from dispatcher.bootstrap import build

_profiles: list[cProfile.Profile] = []


def _begin(*_: object) -> None:
    # CPU of the thread, not time on the wall: waiting for the network is no work.
    profile = cProfile.Profile(time.thread_time)
    _profiles.append(profile)
    profile.enable()


def main() -> None:
    """Work until told to stop, then write what was collected."""
    path, queue = sys.argv[1:]
    cli.log_to_stderr()
    runtime = build(cli.settings())
    threading.setprofile(_begin)  # each new thread calls it once and so replaces it by a profile of its own
    _begin()
    try:
        worker.main(runtime, queue)
    finally:
        for profile in _profiles:
            profile.disable()
        for profile in _profiles:
            profile.create_stats()
        found = pstats.Stats(*(profile for profile in _profiles if profile.stats))
        # A thread that waits for work when it is looked at shows the clock of another.
        for key in [key for key in found.stats if "SimpleQueue" in key[2]]:  # type: ignore[attr-defined]  # not declared
            del found.stats[key]  # type: ignore[attr-defined]  # not declared
        found.dump_stats(path)


if __name__ == "__main__":
    main()
