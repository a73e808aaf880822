"""The process that runs Python rules: `python -I python_worker.py JOB < events > answers`.

JOB is JSON: `folders` (where modules may be imported from), `rules` (key → file), `seconds` (of
processor time), `megabytes` (of memory). Each line of the input is one event, each line of the
output an answer: `{"event": n, "rule": key, "dedup": …, "title": …, "severity": …}` for a hit, or
`{"rule": key, "error": text}`. This file imports nothing but the standard library and runs alone.

Rules are their operator's, events are not: limits on time, memory and file size, no network, no
other programs, no files but the modules. That holds accidents and slow rules; it is no wall
against a rule that means harm.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import os
import re
import resource
import signal
import sys
import types
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from typing import Any

SECONDS_A_CALL = 1.0
MOST_ERRORS = 3
"""Errors of one rule after which it is not called any more."""
LONGEST = 1000
"""Characters of a title or of a text that groups alerts."""

DONE = '{"done": true}'

_FORBIDDEN = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "shutil.", "ctypes.",
    "urllib.", "http.", "ftplib.", "smtplib.", "pty.", "signal.", "sqlite3.", "os.kill",
    "os.putenv",
)  # fmt: skip


class TooSlow(Exception):
    """A call took more than SECONDS_A_CALL of processor time."""


class Event(dict[str, Any]):
    """An event as rules expect it: a mapping with `deep_get`, `deep_walk` and `udm`."""

    def deep_get(self, *keys: str, default: Any = None) -> Any:
        """The value along `keys`, or `default`."""
        return deep_get(self, *keys, default=default)

    def deep_walk(self, *keys: str, default: Any = None, return_val: str = "all") -> Any:
        """All values along `keys`, through lists: all, the first or the last."""
        return deep_walk(self, *keys, default=default, return_val=return_val)

    def udm(self, name: str, default: Any = None) -> Any:
        """A field under its common name."""
        path = _COMMON.get(name)
        return default if path is None else self.deep_get(*path, default=default)


_COMMON = {
    "actor_user": ("actor", "user", "email"),
    "event_type": ("action",),
    "source_ip": ("context", "ip_address"),
    "user_agent": ("context", "ua"),
    "user": ("entity", "user", "email"),
}


def deep_get(event: Any, *keys: str, default: Any = None) -> Any:
    """The value along `keys` of nested mappings, or `default`; None counts as absent."""
    for key in keys:
        event = event.get(key) if isinstance(event, Mapping) else None
    return default if event is None else event


def deep_walk(event: Any, *keys: str, default: Any = None, return_val: str = "all") -> Any:
    """All values along `keys`, through lists."""
    found = list(_walk(event, keys))
    if not found:
        return default
    chosen = {"first": found[0], "last": found[-1]}
    return chosen.get(return_val, found if len(found) > 1 else found[0])


def _walk(value: Any, keys: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, keys)
    elif not keys:
        if value is not None:
            yield value
    elif isinstance(value, Mapping) and keys[0] in value:
        yield from _walk(value[keys[0]], keys[1:])


def slack_alert_context(event: Event) -> dict[str, Any]:
    """What an alert shows of an event."""
    return {
        "actor-name": event.deep_get("actor", "user", "name", default="<MISSING_NAME>"),
        "actor-email": event.deep_get("actor", "user", "email", default="<MISSING_EMAIL>"),
        "actor-ip": event.deep_get("context", "ip_address", default="<MISSING_IP>"),
        "user-agent": event.deep_get("context", "ua", default="<MISSING_UA>"),
    }


def _in_network(address: str, networks: str | list[str]) -> bool:
    listed = [networks] if isinstance(networks, str) else networks
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(one) for one in listed)


def _provide_helpers() -> None:
    """Modules that collections import, where they do not bring their own."""
    helpers = {
        "deep_get": deep_get,
        "deep_walk": deep_walk,
        "pattern_match": fnmatch,
        "pattern_match_list": lambda text, listed: any(fnmatch(text, one) for one in listed),
        "is_ip_in_network": _in_network,
        "slack_alert_context": slack_alert_context,
    }
    for name in ("panther_base_helpers", "panther_slack_helpers", "panther_core"):
        if importlib.util.find_spec(name) is None:
            module = types.ModuleType(name)
            vars(module).update(helpers, PantherEvent=Event)
            sys.modules[name] = module


def _limit(seconds: int, megabytes: int) -> None:
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, megabytes * 2**20),
        (resource.RLIMIT_FSIZE, 256 * 2**20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _forbid(folders: list[str]) -> None:
    """No network, no programs, no writing, no reading but of modules, from now on."""
    allowed = tuple(os.path.realpath(one) + os.sep for one in (*folders, sys.prefix, *sys.path))
    allowed += (os.path.realpath(sys.base_prefix) + os.sep,)

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        if name.startswith(_FORBIDDEN):
            raise PermissionError(f"a rule may not use {name}")
        if name == "open":
            path, mode = arguments[0], arguments[1]
            writes = isinstance(mode, str) and set(mode) & set("wax+")
            inside = isinstance(path, str) and os.path.realpath(path).startswith(allowed)
            if writes or not inside:
                raise PermissionError(f"a rule may not open {path}")

    sys.addaudithook(hook)


def _load(key: str, file: str) -> types.ModuleType:
    name = "rule_" + re.sub(r"\W", "_", key)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if not callable(getattr(module, "rule", None)):
        raise TypeError("it has no function rule(event)")
    return module


def _text(module: types.ModuleType, name: str, event: Event) -> str | None:
    function = getattr(module, name, None)
    found = function(event) if callable(function) else None
    return str(found)[:LONGEST] if found is not None else None


def _answer(module: types.ModuleType, event: Event) -> dict[str, Any] | None:
    """What the rule says of the event, or None when nothing."""
    if not module.rule(event):
        return None
    title = _text(module, "title", event)
    dedup = _text(module, "dedup", event)
    return {"title": title, "dedup": dedup, "severity": _text(module, "severity", event)}


def _too_slow(_number: int, _frame: Any) -> None:
    raise TooSlow(f"a call took more than {SECONDS_A_CALL:g} s")


def _each(modules: dict[str, types.ModuleType], out: Any) -> None:
    errors = dict.fromkeys(modules, 0)
    for number, line in enumerate(sys.stdin.buffer):
        for key, module in list(modules.items()):
            event = Event(json.loads(line))
            signal.setitimer(signal.ITIMER_PROF, SECONDS_A_CALL)
            try:
                answer = _answer(module, event)
            except Exception as error:  # noqa: BLE001 # a stranger's code may raise anything
                answer = None
                errors[key] += 1
                out.write(json.dumps({"rule": key, "error": _told(error)}) + "\n")
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            if answer is not None:
                out.write(json.dumps({"event": number, "rule": key, **answer}) + "\n")
            if errors[key] >= MOST_ERRORS:
                del modules[key]


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def main(job: dict[str, Any]) -> None:
    """Load the rules, then answer for each event of the input."""
    out = sys.stdout
    sys.stdout = sys.stderr  # what rules print is not an answer
    sys.path[:0] = job["folders"]
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGPROF, _too_slow)
    _limit(job["seconds"], job["megabytes"])
    _provide_helpers()
    _forbid(job["folders"])
    modules: dict[str, types.ModuleType] = {}
    for key, file in job["rules"].items():
        try:
            modules[key] = _load(key, file)
        except (Exception, SystemExit) as error:  # noqa: BLE001 # as above
            out.write(json.dumps({"rule": key, "error": _told(error)}) + "\n")
    _each(modules, out)
    out.write(DONE + "\n")  # a rule that leaves by itself does not come here
    out.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
