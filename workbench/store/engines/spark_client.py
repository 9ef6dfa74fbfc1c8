"""The client of a Spark Connect server: imported when it is first needed, and what its errors mean."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from workbench.errors import StoreError


@dataclass(frozen=True)
class Library:
    """What this engine uses of the client, imported when it is first needed."""

    SparkSession: Any
    DefaultPolicy: Any
    DefaultChannelBuilder: Any
    PySparkException: type[Exception]
    RpcError: type[Exception]


def library() -> Library:
    """Import the client, or say in words what is not installed."""
    # Said as an error in words instead; a warning besides would stand in every notebook.
    warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]")
    try:
        with warnings.catch_warnings(), _no_doctest():
            warnings.simplefilter("ignore")
            sessions = importlib.import_module("pyspark.sql.connect.session")
            retries = importlib.import_module("pyspark.sql.connect.client.retries")
            errors = importlib.import_module("pyspark.errors")
            grpc = importlib.import_module("grpc")
            importlib.import_module("ibis")
    except ImportError as error:
        raise StoreError(
            f"A store behind Spark Connect needs what is not installed ({error}): "
            "pip install 'incident-workbench[spark]'."
        ) from error
    channels = sessions.DefaultChannelBuilder
    return Library(sessions.SparkSession, retries.DefaultPolicy, channels, errors.PySparkException, grpc.RpcError)


@contextmanager
def _no_doctest() -> Iterator[None]:
    """Let the client be imported by ``python -c``, which it takes for its own doctests and ends for want of Java."""
    if hasattr(sys, "ps1") or "pyspark.sql.connect" in sys.modules:
        yield
        return
    sys.ps1 = ""
    try:
        yield
    finally:
        with suppress(AttributeError):
            del sys.ps1


def ibis() -> Any:
    """Return the library that writes the SQL."""
    return importlib.import_module("ibis")


def went_away(error: Exception, client: Library) -> bool:
    """Say whether an error means that the server does not answer, or forgot this session."""
    text = str(error)
    if isinstance(error, client.RpcError):
        return True
    marks = ("UNAVAILABLE", "RETRIES_EXCEEDED", "SESSION_NOT_FOUND", "SESSION_CLOSED", "SESSION_CHANGED",
             "OPERATION_NOT_FOUND", "Connection refused", "Socket closed", "failed to connect")  # fmt: skip
    return any(mark in text for mark in marks)


def leave(spark: Any) -> None:
    """End a session, if it still stands."""
    client = library()
    try:
        spark.stop()
    except (client.PySparkException, client.RpcError):
        return


def stop(spark: Any, tag: str) -> None:
    """Tell a server to stop what bears a tag, then leave the session; one that does not listen is left all the same."""
    client = library()
    with suppress(client.PySparkException, client.RpcError, ValueError):
        spark.interruptTag(tag)
    leave(spark)
