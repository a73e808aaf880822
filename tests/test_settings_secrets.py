"""Secrets and addresses that settings name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from gridtrail.errors import BadSettings
from gridtrail.settings_secrets import check_web_address, on_this_machine, read_secret


class Holder(BaseModel):
    token: SecretStr | None = None
    token_file: Path | None = None


def test_a_value_a_file_or_nothing(tmp_path: Path) -> None:
    """The value counts first; a file is read anew each time, relative to its home."""
    file = tmp_path / "token"
    held = Holder(token_file=Path("token"))
    for text in ("one", "two"):
        file.write_text(f" {text}\n")
        assert read_secret(held, "token", tmp_path, "target x") == text
    both = Holder(token=SecretStr(" mine "), token_file=Path("token"))
    assert read_secret(both, "token", tmp_path, "target x") == "mine"
    assert read_secret(Holder(), "token", tmp_path, "target x") is None


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """It is said whose it is, and nothing of what stands in it."""
    (tmp_path / "token").write_bytes(b"\xff secret")
    for name in ("token", "missing"):
        held = Holder(token_file=Path(name))
        with pytest.raises(BadSettings, match=r"The file token_file of the target x cannot be"):
            read_secret(held, "token", tmp_path, "target x")


@pytest.mark.parametrize("url", ["ftp://x/", "https://", "https://[x/", "https://a\nb/", "x"])
def test_no_address(url: str) -> None:
    """What cannot be called is refused."""
    with pytest.raises(BadSettings, match="is no address"):
        check_web_address(url, "url", "channel x", allow_http=True)


def test_unencrypted() -> None:
    """Only to this machine, or where it was allowed."""
    check_web_address("http://127.0.0.1:8/", "url", "channel x", allow_http=False)
    check_web_address("http://siem.example/", "url", "channel x", allow_http=True)
    with pytest.raises(BadSettings, match="unencrypted"):
        check_web_address("http://siem.example/", "url", "channel x", allow_http=False)


def test_this_machine() -> None:
    """Loopback addresses and localhost, nothing that begins like them."""
    assert all(map(on_this_machine, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(on_this_machine, ("10.0.0.1", "localhost.example", "127.0.0.1.example")))
