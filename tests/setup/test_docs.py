"""The documents name what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(one.upper() for one in Settings.model_fields))
def test_every_setting_is_described(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "settings.md").read_text()
