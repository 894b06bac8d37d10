"""Files of measurements: what they were made on, and a line for each result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
TIMES = RESULTS / "times"


def times(name: str) -> Path:
    """Return where the results of one part of what is measured are kept."""
    return TIMES / f"{name}.json"


def alone(peer: str) -> str:
    """Return the name of the part in which a peer is alone with fastact."""
    return f"alone-{peer.lower().replace(' ', '-')}"


def rounded(value: float) -> float:
    """Return a number to four digits, more than any time has."""
    return float(f"{value:.4g}")


def write(path: Path, conditions: dict[str, Any], results: list[dict[str, Any]]) -> None:
    """Write a file, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
    conditions : dict
    results : list of dict
    """
    rows = ",\n".join(json.dumps(result) for result in results)
    text = f'{{"conditions": {json.dumps(conditions, indent=1)},\n"results": [\n{rows}\n]}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.json")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the conditions and the results of a file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    tuple
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    return data["conditions"], data["results"]
