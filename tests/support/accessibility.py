"""What axe finds wrong with a page."""

from pathlib import Path
from typing import Any

AXE = next((Path(__file__).parent / "axe").rglob("axe.min.js"))
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
# What is right with a page is long, and takes longer to bring over here than all else.
LOOK = "rules => axe.run(document, rules).then((found) => found.violations.map((v) => [v.id, v.nodes[0].html]))"


def faults(page: Any) -> list[str]:
    """Each rule that is broken, with the first place."""
    page.wait_for_selector("html[data-ready]")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return [f"{rule}: {place[:120]}" for rule, place in page.evaluate(LOOK, RULES)]
