"""Starting Spark, or joining what runs already, and what to do when it does not start."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gridtrail.engine.spark import Spark
from gridtrail.errors import BadSettings, RetryLater, Stop

REACH_SECONDS = 5

FIXED: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "true",  # what overflows or cannot be cast stops loudly
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}
"""Settings on which results depend: nobody's options change them."""
STURDY: Mapping[str, str] = {
    # what is known of a checkpointed table may name columns that it has not; unions stumble on it
    "spark.sql.constraintPropagation.enabled": "false",
    # Spark's check of its own planner, after each rule
    "spark.sql.lightweightPlanChangeValidation": "false",
}


@dataclass(frozen=True, slots=True)
class SparkOptions:
    """How Spark is started; memory in Spark's words such as `1g`, `more` in Spark's own names."""

    master: str = "local[*]"
    shuffle_partitions: int = 8
    driver_memory: str = "1g"
    executor_memory: str = "1g"
    more: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def open_spark(options: SparkOptions) -> Iterator[Spark]:
    """A session on the cluster of `options`, ended afterwards.

    If this process runs Spark already, its cluster is used and goes on running.

    Raises BadSettings when pyspark or Java is missing or Spark does not start, RetryLater when
    nobody answers under the master's address, and Stop when Spark fails meanwhile.
    """
    _check(options)
    with warnings.catch_warnings():
        # of a pandas newer than Spark knows; pandas is not used here
        warnings.filterwarnings("ignore", category=FutureWarning, message="PySpark does not yet")
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
        from pyspark.sql.classic import dataframe  # noqa: F401 - loaded later it would warn then

    logging.getLogger("SQLQueryContextLogger").disabled = True  # repeats on stderr what is raised

    running = SparkSession.getActiveSession()
    try:
        base = running or _builder(SparkSession.builder, options).getOrCreate()
    except (PySparkException, Py4JError, RuntimeError) as error:
        raise BadSettings(
            f"Spark does not start on {options.master} ({first_line(error)}): see what it printed, "
            "and check detect.spark_master and that Java is 17 or newer."
        ) from error
    session = base.newSession()
    for name, value in {**FIXED, **STURDY}.items():
        session.conf.set(name, value)
    session.conf.set("spark.sql.shuffle.partitions", str(options.shuffle_partitions))
    engine = Spark(session)
    try:
        yield engine
        engine.close()
    except (PySparkException, Py4JError) as error:
        raise Stop(
            f"Spark failed ({first_line(error)}): see the logs of its executors, and run again; "
            "nothing of an unfinished organization was published."
        ) from error
    finally:
        if running is None:
            base.stop()


def _builder(builder: Any, options: SparkOptions) -> Any:
    settings = {
        "spark.master": options.master,
        "spark.app.name": "gridtrail",
        "spark.driver.memory": options.driver_memory,
        "spark.executor.memory": options.executor_memory,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        # each day compiles the same code again, unless all of it is remembered
        "spark.sql.codegen.cache.maxEntries": "5000",
        # each small table of a join takes a whole page: by default many megabytes of few rows
        "spark.buffer.pageSize": "4m",
        # plans as text, for pages that nobody is shown
        "spark.sql.ui.explainMode": "simple",
        "spark.sql.maxPlanStringLength": "1000",
        "spark.sql.ui.retainedExecutions": "1",
        **options.more,
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder


def _check(options: SparkOptions) -> None:
    """Say in one sentence what is missing."""
    if importlib.util.find_spec("pyspark") is None:
        raise BadSettings(
            "The engine spark needs the package pyspark: type pip install 'gridtrail[spark]'."
        )
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=None if home is None else f"{home}/bin") is None:
        raise BadSettings(
            "The engine spark needs Java 17 or newer: install it (Debian: sudo apt-get install "
            "default-jre-headless), or set JAVA_HOME to where it is."
        )
    named = re.fullmatch(r"spark://([^,]+):(\d+)(?:,.*)?", options.master)
    if options.master.startswith("spark://") and named is None:
        raise BadSettings(
            f"{options.master} is no address of a Spark master: use spark://HOST:PORT."
        )
    if named is not None and "," not in options.master:
        _reach(named[1].strip("[]"), int(named[2]), options.master)


def _reach(host: str, port: int, master: str) -> None:
    try:
        with socket.create_connection((host, port), timeout=REACH_SECONDS):
            pass
    except OSError as error:
        raise RetryLater(
            f"Nobody answers at {master} ({error.strerror or error}): start the Spark master, or "
            "correct detect.spark_master."
        ) from error


def first_line(error: Exception) -> str:
    """What went wrong, without the trace that Java puts below it."""
    lines = [text for line in str(error).splitlines() if (text := line.strip(" :\t"))]
    told = next((line for line in lines if not line.startswith("An error occurred")), "")
    return (told or type(error).__name__)[:300].rstrip(".:")
