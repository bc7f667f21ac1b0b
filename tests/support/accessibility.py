"""What axe finds wrong with a page."""

from pathlib import Path
from typing import Any

AXE = next((Path(__file__).parent / "axe").rglob("axe.min.js"))
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def faults(page: Any) -> list[str]:
    """Each rule that is broken, with the first place."""
    page.wait_for_selector("html[data-ready]")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found["violations"]]
