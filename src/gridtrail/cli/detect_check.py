"""`gridtrail detect --check FILE`: whether a detector of one's own is fit to run."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Row, column
from gridtrail.cli.talk import progress, say
from gridtrail.errors import GridtrailError, Stop

if TYPE_CHECKING:
    from gridtrail.detect.cases import Case, CaseRunner
    from gridtrail.detect.contract import Detector

_STYLES = {"failed": "red", "passed": "green"}
COLUMNS = [
    column("check", widest=50),
    column("result", style=lambda text: _STYLES.get(text, "")),
    column("what", widest=120),
]
FIELDS = ["check", "result", "what"]


def check_file(path: Path, output: Format) -> None:
    """Run the cases beside the detector in `path` and the battery that every detector passes.

    Cases stand in a file of the same name that ends in `.cases.toml`. Prints a row a check: what
    must be true, or what was seen instead. Raises Stop when anything failed, and as `load_file` and
    `load_cases` do.
    """
    from gridtrail.detect.cases import CaseRunner, load_cases
    from gridtrail.detect.plugins import load_file
    from gridtrail.engine.duckdb import DuckDB

    detector = load_file(path)
    cases = load_cases(path.with_suffix(".cases.toml"))
    engine = DuckDB(threads=1)
    try:
        with TemporaryDirectory(prefix="gridtrail-check-") as folder:
            rows = _rows(CaseRunner(Path(folder), engine), detector, cases)
    finally:
        engine.close()
    listing(rows, output, table=COLUMNS, fields=FIELDS)
    failed = [row for row in rows if row["result"] == "failed"]
    if failed:
        raise Stop(
            f"{len(failed)} of {len(rows)} checks failed: mend the detector or its cases, and "
            "check it again."
        )
    say(f"All {len(rows)} checks passed: name {path.name} under [detect] plugins to let it run.")


def _rows(runner: CaseRunner, detector: Detector, cases: tuple[Case, ...]) -> list[Row]:
    from gridtrail.detect.checks import CHECKS, Bench

    rows = []
    with progress("Checking", "check") as steps:
        for number, case in enumerate(cases):
            steps.step(number, number / (len(cases) + len(CHECKS)), note=case.name)
            rows.append(_row(f"case: {case.name}", _problems(runner, detector, case), "as it says"))
        bench = Bench(runner, detector, cases)
        for number, (name, one) in enumerate(CHECKS.items(), len(cases)):
            steps.step(number, number / (len(cases) + len(CHECKS)), note=name)
            try:
                seen = list(one(bench))
            except GridtrailError as error:
                seen = [str(error)]
            sentence = " ".join((one.__doc__ or "").split())
            rows.append(_row(name, seen, sentence))
    return rows


def _problems(runner: CaseRunner, detector: Detector, case: Case) -> list[str]:
    try:
        return runner.problems(detector, case)
    except GridtrailError as error:
        return [str(error)]


def _row(name: str, seen: list[str], sentence: str) -> Row:
    return {
        "check": name,
        "result": "failed" if seen else "passed",
        "what": "; ".join(seen) or sentence,
    }
