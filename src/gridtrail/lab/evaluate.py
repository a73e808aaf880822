"""Many trials, some at a time, each in a process of its own."""

from __future__ import annotations

import hashlib
import multiprocessing as mp
import queue
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.queues import Queue
from pathlib import Path

from gridtrail.detect.contract import Detector
from gridtrail.detectors import all_detectors
from gridtrail.errors import WrongUse
from gridtrail.lab.outcome import Outcome
from gridtrail.lab.trial import run_trial
from gridtrail.sandbox.plan import Plan

PROCESSES = 2
_PATIENCE_SECONDS = 0.5

OnProgress = Callable[[float, str], None]
"""Called with the share of all work that is done (0 to 1) and what is going on."""

_told: Queue[tuple[int, float, str]] | None = None


def evaluate(
    plans: Sequence[Plan],
    folder: Path,
    *,
    only: Sequence[str] = (),
    processes: int = PROCESSES,
    keep: bool = False,
    on_progress: OnProgress = lambda _share, _what: None,
) -> list[Outcome]:
    """The outcome of each plan, in order, with default settings and all built-in detectors, or
    those named in `only`.

    A plan whose outcome is in `folder` already is not tried again, so an evaluation that was ended
    early goes on from there. With `keep` the simulated files and lakes stay there too.

    Raises WrongUse for a detector that is not known.
    """
    chosen(only)
    folder.mkdir(parents=True, exist_ok=True)
    files = [outcome_file(folder, plan, only) for plan in plans]
    wanted = [place for place, file in enumerate(files) if not file.exists()]
    done = {place: 1.0 for place in range(len(plans)) if place not in wanted}
    context = mp.get_context("spawn")  # an engine's threads do not survive a fork
    told = context.Queue()
    with ProcessPoolExecutor(processes, context, _listen, (told,)) as pool:
        futures = [
            pool.submit(_try, place, plans[place], files[place], tuple(only), keep)
            for place in wanted
        ]
        _watch(futures, told, done, len(plans), on_progress)
    return [Outcome.read(file) for file in files]


def _watch(
    futures: Sequence[Future[None]],
    told: Queue[tuple[int, float, str]],
    done: dict[int, float],
    plans: int,
    on_progress: OnProgress,
) -> None:
    while not all(future.done() for future in futures):
        try:
            place, share, what = told.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            continue
        done[place] = share
        on_progress(sum(done.values()) / plans, f"organization {place + 1}: {what}")
    for future in futures:
        future.result()


def _listen(told: Queue[tuple[int, float, str]]) -> None:
    global _told
    _told = told


def _try(place: int, plan: Plan, file: Path, only: tuple[str, ...], keep: bool) -> None:
    work = file.with_suffix("")
    shutil.rmtree(work, ignore_errors=True)  # what an interrupted trial left
    told = _told
    assert told is not None  # noqa: S101 - every process begins with _listen
    outcome = run_trial(
        plan,
        work,
        detectors=chosen(only),
        on_progress=lambda share, what: told.put((place, share, what)),
    )
    outcome.write(file)
    if not keep:
        shutil.rmtree(work)


def chosen(only: Sequence[str]) -> list[Detector]:
    """The detectors with these names, or all. Raises WrongUse for a name that is none."""
    known = {one.name: one for one in all_detectors()}
    for name in only:
        if name not in known:
            raise WrongUse(f"There is no detector {name!r}: choose of {', '.join(known)}.")
    return [one for one in known.values() if not only or one.name in only]


def outcome_file(folder: Path, plan: Plan, only: Sequence[str] = ()) -> Path:
    """Where the outcome of a plan is kept; the name tells plans and detectors apart."""
    what = repr((plan, sorted(only))) if only else repr(plan)
    digest = hashlib.sha256(what.encode()).hexdigest()[:12]
    return folder / f"{plan.seed}-{plan.archetype}-{plan.people}-{digest}.json"
