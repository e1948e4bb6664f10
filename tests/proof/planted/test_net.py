"""Does the net catch fish? Each known fault, planted alone, is named by the oracle; without it the water is clear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.proof.planted.aquarium import Aquarium
from tests.proof.planted.fish import FISH


@pytest.fixture
def water(sqlite_url: str, tmp_path: Path) -> Aquarium:
    return Aquarium(tmp_path, sqlite_url)


@pytest.mark.parametrize("scene", {one.scene: None for one in FISH.values()}, ids=lambda scene: scene.__name__)
def test_without_the_fault_nothing_is_found(water: Aquarium, scene: Callable[[Aquarium], None]) -> None:
    scene(water)
    assert water.breaches() == []


@pytest.mark.parametrize("name", FISH)
def test_the_fault_is_named(water: Aquarium, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fish = FISH[name]
    fish.plant(monkeypatch)
    fish.scene(water)
    monkeypatch.undo()
    found = water.breaches()
    assert any(fish.caught in one for one in found), f"the fish slipped through; found: {found}"


def test_there_are_enough_of_them() -> None:
    assert len(FISH) >= 15
