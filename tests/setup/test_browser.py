"""The browser fixture works on this machine."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.browser
def test_a_page_runs_scripts_and_looks_at_itself(chromium_page: Any) -> None:
    chromium_page.set_content("<html lang=en><title>t</title><main><h1 id=x></h1></main>")
    chromium_page.evaluate("document.getElementById('x').textContent = 'seen'")
    assert chromium_page.text_content("h1") == "seen"
