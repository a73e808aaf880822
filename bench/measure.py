"""Running contestants, each in a process of its own, and the table of ratios."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a contestant: seconds of work, things done, largest resident memory (bytes)."""

    seconds: float
    count: int
    resident: int


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one contestant."""

    name: str
    runs: tuple[Run, ...]

    @property
    def rate(self) -> float:
        """Things a second, median over runs."""
        return median(run.count / run.seconds for run in self.runs)

    @property
    def resident(self) -> int:
        """Largest resident memory of any run, bytes."""
        return max(run.resident for run in self.runs)


# The peak is read from /proc: getrusage's would be at least that of the process that forked.
CHILD = """
import json, sys, time
from {module} import {function} as work
began = time.perf_counter()
count = work(*sys.argv[1:])
seconds = time.perf_counter() - began
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
resident = int(peak.split()[1]) * 1024
print(json.dumps({{"seconds": seconds, "count": count, "resident": resident}}))
"""


def run_once(module: str, function: str, arguments: Sequence[str]) -> Run:
    """Run `module.function(*arguments)` (returns a count) in a fresh process."""
    code = CHILD.format(module=module, function=function)
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise SystemExit(f"{module}.{function} failed:\n{result.stderr}")
    return Run(**json.loads(result.stdout.strip().splitlines()[-1]))


def table(title: str, unit: str, results: Sequence[Result], peer: str) -> str:
    """A Markdown table of rates, ratios to `peer` and memory."""
    base = next(result.rate for result in results if result.name == peer)
    lines = [
        f"### {title}",
        "",
        f"| | {unit} a second | against {peer} | resident memory |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {r.name} | {r.rate:,.0f} | {r.rate / base:.2f} | {r.resident / 2**20:,.0f} MiB |"
        for r in results
    ]
    return "\n".join([*lines, ""])
