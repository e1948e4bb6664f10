"""Sets the work going and prints when it began: python start.py rq|celery|dramatiq|threads|bare COUNT."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import texting


def by_rq(people: list[str]) -> None:
    """All jobs in as few round trips as RQ can."""
    from redis import Redis
    from rq import Queue

    queue = Queue("texts", connection=Redis.from_url(os.environ["REDIS_URL"]))
    queue.enqueue_many([Queue.prepare_data("texting.send", (to,)) for to in people])


def by_celery(people: list[str]) -> None:
    """One call a task, on one kept connection."""
    import celery_jobs

    with celery_jobs.app.producer_pool.acquire(block=True) as producer:
        for to in people:
            celery_jobs.send.apply_async((to,), producer=producer)


def by_dramatiq(people: list[str]) -> None:
    """One call a message, on one kept connection."""
    import dramatiq_jobs

    for to in people:
        dramatiq_jobs.send.send(to)


def by_threads(people: list[str]) -> None:
    """The SDK in a pool of 64 threads."""
    with ThreadPoolExecutor(64) as pool:
        for _ in pool.map(texting.send, people):
            pass


def main() -> None:
    """Prepare, note the time, begin."""
    what, count = sys.argv[1], int(sys.argv[2])
    people = texting.numbers(count)
    begin = {"rq": by_rq, "celery": by_celery, "dramatiq": by_dramatiq, "threads": by_threads}[what]
    if what == "threads":
        _ = texting.client().messages  # imports are not what is measured
    elif what == "celery":
        import celery_jobs  # noqa: F401  # loaded beforehand
    elif what == "dramatiq":
        import dramatiq_jobs  # noqa: F401  # loaded beforehand
    else:
        import rq  # noqa: F401  # loaded beforehand
    cpu, _ = texting.used()
    began = texting.wait_for_the_word()
    begin(people)
    after, peak = texting.used()
    print(json.dumps({"began": began, "cpu": after - cpu, "peak_mb": peak}))


if __name__ == "__main__":
    main()
