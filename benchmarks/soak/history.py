"""What happened, in order, as JSON lines: what the nemesis did, what started and ended, what people did."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any


class History:
    """Written by several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115  # open for the whole run
        self._lock = threading.Lock()

    def note(self, **news: Any) -> None:
        """One line; `at` is seconds since 1970, now where not given."""
        with self._lock:
            self._file.write(json.dumps({"at": time.time(), **news}) + "\n")

    def close(self) -> None:
        self._file.close()
