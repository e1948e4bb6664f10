"""Weighs the words of the examples by which answers are understood anew: `python -m benchmarks.learn`."""

from __future__ import annotations

import numpy as np

from dispatcher.services.understanding import likeness


def main() -> None:
    """Write the weights beside the examples, and say how many there are."""
    rows = likeness.examples()
    np.savez_compressed(likeness.WEIGHTS, **likeness.learn(rows))
    print(f"{len(rows)} examples, {likeness.WEIGHTS.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
