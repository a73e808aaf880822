"""Syslog over TLS: RFC 5424 messages, framed by their length (RFC 5425 and 6587).

Syslog has no answer that says "I have it". So each batch has a connection of its own, ended in the
orderly way of TLS: when the far side has ended it too (its close_notify, or the end of the stream),
it has read everything before; a receiver that dies or closes with something unread resets the
connection instead, and the batch is sent again.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.secrets import certificates
from gridtrail.forward.ways.way import Busy, Closed
from gridtrail.settings_forward import ForwardSettings

_NOTICE, _WARNING = 5, 4
_NIL = "-"
_MOST_HOST = 255
_LATEST = 253_402_300_799  # the last second of the year 9999


class SyslogWay:
    """Sends to the receiver of `settings`; paths are relative to `home`."""

    def __init__(self, settings: ForwardSettings, home: Path) -> None:
        self._settings = settings
        self._context = certificates(settings, home)
        self._here = _name_of_this_machine()

    def close(self) -> None:
        """Nothing is held between batches."""

    def send(self, records: Sequence[Sendable], name: str) -> None:
        """Send them in one connection; done when the far side has ended it in order."""
        framed = b"".join(frame(self.message(record)) for record in records)
        place = (self._settings.host or "", self._settings.port)
        target, patience = self._settings.name, self._settings.timeout_seconds
        try:
            with (
                socket.create_connection(place, patience) as plain,
                self._context.wrap_socket(plain, server_hostname=place[0]) as encrypted,
            ):
                encrypted.sendall(framed)
                _end(encrypted)
        except ssl.SSLCertVerificationError as error:
            raise Closed(
                f"The certificate of the target {target} is not trusted ({error.verify_message}): "
                "correct ca_file or host."
            ) from error
        except OSError as error:  # refused, reset, timed out, or no TLS
            raise Busy(
                f"The target {target} does not take the batch ({type(error).__name__}): it is "
                "tried again."
            ) from error

    def message(self, record: Sendable) -> bytes:
        """The record as a message of RFC 5424, its JSON as the text."""
        severity = _NOTICE if self._settings.what == "events" else _WARNING
        priority = self._settings.facility * 8 + severity
        at = datetime.fromtimestamp(min(max(record.at, 0), _LATEST), UTC)
        head = f"<{priority}>1 {at:%Y-%m-%dT%H:%M:%SZ} {self._here} gridtrail {_NIL} "
        # `origin` is a registered element (RFC 5424, 7.2); what is a stranger's is in the JSON
        return f'{head}{self._settings.what} [origin software="Gridtrail"] {record.line}'.encode(
            "ascii"
        )


def frame(message: bytes) -> bytes:
    """`message` behind the number of its bytes, so that no content can end it early."""
    return str(len(message)).encode() + b" " + message


def _end(encrypted: ssl.SSLSocket) -> None:
    """End the connection in order. Raises OSError when the far side does not end it so."""
    try:
        plain = encrypted.unwrap()
    except ssl.SSLEOFError:
        return  # it ended the stream without a last word, after reading all of it
    except ssl.SSLError as error:
        raise ConnectionAbortedError("not ended in order") from error
    except OSError as error:
        if error.errno == 0:  # how Python tells the end of the stream in some versions
            return
        raise
    plain.shutdown(socket.SHUT_WR)
    # a reset would come now: it had closed with something unread
    while plain.recv(4096):
        pass


def _name_of_this_machine() -> str:
    name = "".join(c for c in socket.gethostname() if "!" <= c <= "~")
    return name[:_MOST_HOST] or _NIL
