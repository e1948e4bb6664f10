"""Environments of their own for what the product is compared with: made from locks, kept below var/compare."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(name: str, folder: Path) -> Path:
    """The Python of the environment that requirements/NAME.txt describes; made when it is new or has changed."""
    lock = ROOT / "requirements" / f"{name}.txt"
    stamp = sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    home = folder / name
    python = home / "bin" / "python"
    kept = home / "made-from"
    if kept.exists() and kept.read_text() == stamp:
        return python
    print(f"Making the environment of requirements/{name}.txt …", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", lock],
        check=True,
        stdout=sys.stderr,
    )
    kept.write_text(stamp)
    return python
