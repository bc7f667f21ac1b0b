"""`make bench`: measures the portal on the large demo and prints a table in markdown.

    make bench                        all figures
    make bench ARGS="--quick"         fewer repeats
    make bench ARGS="--only search"   one group of them

The database stays in var/bench (or --folder), so only the first run has to make the large demo. What a measurement
changes is taken back. The exit code is 1 where a figure is over its limit and --strict was given.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

from tests.bench import (  # noqa: F401 - they register what they measure
    api,
    contention,
    free,
    heavy,
    measures,
    messages,
    practice,
    push,
)
from tests.bench.figures import MEASURES, Figure
from tests.bench.stage import stage


def main() -> int:
    given = _arguments()
    figures: list[Figure] = []
    with stage(given.folder.resolve(), given.seed, given.scale, _say) as ready:
        for name in given.only or MEASURES:
            began = time.perf_counter()
            for figure in MEASURES[name](ready, 7 if given.quick else 40):
                figures.append(figure)
                _say(_line(figure))
            _say(f"({name}: {time.perf_counter() - began:.0f} s)")
    print(f"\n{os.cpu_count()} cores, Python {platform.python_version()}; the portal by gunicorn, 2 workers.\n")
    print("| what | limit | raw | ours | 10–90 % | |\n|---|---|---|---|---|---|")
    print("\n".join(_line(figure) for figure in figures))
    return int(given.strict and not all(figure.holds for figure in figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure the portal on the large demo.")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="this group alone (may be repeated)")
    parser.add_argument("--folder", type=Path, default=Path("var/bench"), help="where the database is kept")
    parser.add_argument("--seed", type=int, default=1, help="of the large demo, when it is made")
    parser.add_argument("--scale", type=float, default=1.0, help="a fraction of the large demo, when it is made")
    parser.add_argument("--strict", action="store_true", help="fail where a figure is over its limit")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _line(figure: Figure) -> str:
    sign = "≥" if figure.at_least else "≤"
    limit = f"{sign} {_number(figure.limit)} {figure.unit}" if figure.limit is not None else "–"
    raw = f"{_number(figure.raw)} {figure.unit}" if figure.raw is not None else "–"
    verdict = "" if figure.limit is None else "ok" if figure.holds else "**over**"
    return f"| {figure.name} | {limit} | {raw} | {_number(figure.ours)} {figure.unit} | {figure.note} | {verdict} |"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main())
