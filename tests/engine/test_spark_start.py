"""Starting Spark: what is missing is said in one sentence."""

from __future__ import annotations

import socket

import pytest

from gridtrail.engine.spark_start import SparkOptions, first_line, open_spark
from gridtrail.errors import BadSettings, RetryLater


def test_nobody_answers() -> None:
    """A master that is not there is named at once, with the next step."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        master = f"spark://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RetryLater, match=rf"{master}.*start the Spark master"):
            open_spark(SparkOptions(master=master)).__enter__()


def test_no_address() -> None:
    """An address without a port is wrong, and the right form is shown."""
    with pytest.raises(BadSettings, match="spark://HOST:PORT"):
        open_spark(SparkOptions(master="spark://somewhere")).__enter__()


def test_no_java(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Java it is said what to install."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(BadSettings, match=r"Java 17.*install it"):
        open_spark(SparkOptions()).__enter__()


def test_first_line() -> None:
    """The trace below a message of Java is left out."""
    error = RuntimeError("An error occurred while calling o1.x.\n: java.Odd: it broke.\n\tat a.b")

    assert first_line(error) == "java.Odd: it broke"
