"""One Celery task a text, on Redis, acknowledged early as by default, no result kept."""

from __future__ import annotations

import os

import texting
from celery import Celery

app = Celery("jobs", broker=os.environ["REDIS_URL"].replace("unix:", "redis+socket:"))
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True


@app.task
def send(to: str) -> None:
    """Send one text."""
    texting.send(to)
