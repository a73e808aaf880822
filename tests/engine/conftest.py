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
JAVA = (
    "-XX:+UseParallelGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m "
    "-XX:MetaspaceSize=240m"
)
"""For programs of a few minutes: the compiler that is done soon, and no collection of classes."""
OPTIONS = {
    "spark.driver.host": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.extraJavaOptions": JAVA,
    "spark.executor.extraJavaOptions": JAVA,
    "spark.executor.cores": "1",
    # a busy machine is no broken one
    "spark.network.timeout": "1200s",
    "spark.executor.heartbeatInterval": "60s",
    "spark.sql.broadcastTimeout": "1200",
    # few rows: compiling the code of a query, or planning it again, takes longer than running it
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.buffer.pageSize": "1m",
}
PATIENCE = 900  # seconds for a process to come up, on a machine that is busy


def start(arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A daemon of Spark, from pyspark's own scripts; what it says goes to `log`."""
    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_WORKER_DIR": str(log.parent),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": JAVA,
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


def small(master: str) -> SparkOptions:
    """Spark for few rows."""
    return SparkOptions(
        master=master,
        shuffle_partitions=1,
        driver_memory="2g",
        executor_memory="640m",
        more=OPTIONS,
    )


@pytest.fixture(scope="session")
def spark(cluster: str) -> Iterator[Spark]:
    """A session on the cluster; all tests share it."""
    with open_spark(small(cluster)) as engine:
        yield engine


@pytest.fixture(scope="module")
def local_spark() -> Iterator[Spark]:
    """A session in this machine alone: what runs in one file of tests needs no second cluster
    when files are run side by side."""
    with open_spark(small("local[1]")) as engine:
        yield engine
