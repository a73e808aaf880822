"""Who is meant by a text, and who is spared."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.errors import WrongUse
from gridtrail.respond.people import Person, find_person


def event(number: int, user: str, name: str, email: str) -> dict[str, Any]:
    """Something that somebody did."""
    return {
        "id": f"e{number}",
        "date_create": 1_795_000_000 + number,
        "action": "user_login",
        "actor": {"type": "user", "user": {"id": user, "name": name, "email": email}},
        "entity": {"type": "user", "user": {"id": user}},
        "context": {"session_id": None},
    }


def test_an_id_or_an_address_names_somebody_and_a_name_never_does(log: Any) -> None:
    """Somebody who takes another's name is not signed out in their place, nor the other way."""
    log.put([
        event(1, "W0MATT0001", "Matt", "matt@acme.example"),
        event(2, "W0EVIL0001", "Matt", "evil@acme.example"),
        event(3, "W0EVIL0001", "matt@acme.example", "evil@acme.example"),
    ])  # fmt: skip
    matt = Person("W0MATT0001", "Matt", "matt@acme.example")
    assert find_person(log.lake, "E0ACME", "W0MATT0001") == matt
    assert find_person(log.lake, "E0ACME", " MATT@acme.example ") == matt
    assert find_person(log.lake, "E0ACME", "W0STRANGER1") == Person("W0STRANGER1")
    with pytest.raises(WrongUse, match=r"no one for sure.*W0EVIL0001.*W0MATT0001"):
        find_person(log.lake, "E0ACME", "matt")
    with pytest.raises(WrongUse, match="knows nobody"):
        find_person(log.lake, "E0ACME", "anna@acme.example")
    assert find_person(log.lake, "E0OTHER", "W0MATT0001") == Person("W0MATT0001")


def test_letters_of_another_size_are_no_other_address(log: Any) -> None:
    """Who writes another's address in capitals is neither taken for them nor guessed at."""
    log.put([
        event(1, "W0MATT0001", "Matt", "matt@acme.example"),
        event(2, "W0EVIL0001", "Mat", "Matt@acme.example"),
    ])  # fmt: skip
    assert find_person(log.lake, "E0ACME", "matt@acme.example").id == "W0MATT0001"
    with pytest.raises(WrongUse, match="no one for sure"):
        find_person(log.lake, "E0ACME", "Matt@acme.example")
