"""A real Spark cluster: one master and two workers, each a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from gridtrail.engine.spark import Spark
from gridtrail.engine.spark_start import SparkOptions, open_spark

LOOPBACK = "127.0.0.1"
OPTIONS = {
    "spark.driver.host": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
    "spark.executor.cores": "1",
    # compiling the code of a query takes longer than running it over few rows
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
PATIENCE = 120  # seconds for a process to come up


def start(arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A daemon of Spark, from pyspark's own scripts; what it says goes to `log`."""
    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_WORKER_DIR": str(log.parent),
        "SPARK_DAEMON_MEMORY": "256m",
    }
    with log.open("wb") as said:
        return subprocess.Popen(
            [str(home / "bin" / "spark-class"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment,
        )


def told(log: Path, pattern: str, process: subprocess.Popen[bytes]) -> str:
    """What the daemon says of itself; waits until it does."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up and process.poll() is None:
        if found := re.search(pattern, log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The master's address, with two workers of one core each; ports are those that are free."""
    folder = tmp_path_factory.mktemp("cluster")
    deploy = "org.apache.spark.deploy"
    started: list[subprocess.Popen[bytes]] = []
    try:
        log = folder / "master.log"
        bound = ["--host", LOOPBACK, "--port", "0", "--webui-port", "0"]
        started.append(start([f"{deploy}.master.Master", *bound], log))
        master = told(log, r"Starting Spark master at (spark://\S+)", started[0])
        logs = [folder / f"worker{number}.log" for number in range(2)]
        small = ["--cores", "1", "--memory", "1g"]
        for log in logs:
            started.append(start([f"{deploy}.worker.Worker", *bound, *small, master], log))
        for log, worker in zip(logs, started[1:], strict=True):
            told(log, r"(Successfully registered)", worker)
        yield master
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait()


@pytest.fixture(scope="session")
def spark(cluster: str) -> Iterator[Spark]:
    """A session on the cluster; all tests share it."""
    options = SparkOptions(
        master=cluster,
        shuffle_partitions=2,
        driver_memory="1g",
        executor_memory="640m",
        more=OPTIONS,
    )
    with open_spark(options) as engine:
        yield engine
