"""One process that serves: uvicorn on one socket, ended gracefully by SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import structlog
import uvicorn

from gridtrail.errors import BadSettings
from gridtrail.server.app import create_app
from gridtrail.server.work import Work
from gridtrail.settings import Settings

_BACKLOG = 2048
_GRACE_SECONDS = 30
_ENDING = (signal.SIGINT, signal.SIGTERM)

log = structlog.get_logger("gridtrail.server")


def serve(settings: Settings, *, started: Callable[[str], None] | None = None) -> None:
    """Serve until told to stop, collecting and detecting beside it as the settings say.

    `started` gets the address once connections are accepted. Requests that were begun are finished
    first. Raises BadSettings when the address cannot be used.
    """
    listener = _listen(settings.server.host, settings.server.port)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, work=Work(settings)),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    # before anybody knows the address, so that whoever does can end it well
    before = {number: signal.signal(number, _ends(server)) for number in _ENDING}
    try:
        log.info("serving", url=url)
        if started is not None:
            started(url)
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        listener.close()
    log.info("stopped")


def _ends(server: uvicorn.Server) -> Callable[[int, object], None]:
    """What a signal does before uvicorn catches it, and when uvicorn hands it on at its end: a
    server told to stop has not failed."""

    def told(_number: int, _frame: object) -> None:
        server.should_exit = True

    return told


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise BadSettings(
            f"Cannot listen on {host} port {port} ({error.strerror or error}): choose another "
            "--host or --port."
        ) from error
    listener.listen(_BACKLOG)  # from here on connections wait instead of being refused
    return listener
