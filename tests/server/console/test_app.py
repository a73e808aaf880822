"""An app's page: what it did from where, apart from what was done to it."""

from __future__ import annotations

from typing import Any

import pytest

ORG = "E0APPS"


@pytest.fixture(scope="module")
def apps(desk: Any, make_event: Any, attack: str) -> Any:
    """The desk, with an organization where somebody installed an app that then worked from its own
    address, and another app that nobody installed."""
    app = {"id": "A0BACKUP", "name": f"Backup {attack}", "is_distributed": False}
    installed = make_event("app-installed", 300, action="app_installed", actor="W0ANNA0001")
    installed["entity"] = {"type": "app", "app": app}
    events = [installed]
    for n, which in enumerate((app, app, app, {"id": "A0LONE", "name": "Lone"})):
        one = make_event(f"app-{n}", 310 + n, actor="W0ANNA0001", entity="F0OTHER")
        one["context"] |= {"app": which, "ip_address": "198.51.100.77", "ua": "Backup/1.0"}
        events.append(one)
    desk.data.fill(events, ORG)
    return desk


def test_the_page_tells_what_it_did_from_what_was_done_to_it(apps: Any) -> None:
    """Its networks and clients are its own, not those of who installed it."""
    page = apps.get(f"/app?id=A0BACKUP&org={ORG}").text
    assert "<h1><bdi>Backup &lt;script&gt;" in page
    changes = page.partition("Installed, approved, changed")[2].partition("Usual hours")[0]
    assert "app_installed" in changes
    assert "file_downloaded" not in changes
    networks = page.partition("<h2>Networks</h2>")[2].partition("</section>")[0]
    assert "198.51.100.77" in networks
    assert "203.0.113.7" not in networks
    assert f'href="/logs?app=A0BACKUP&amp;org={ORG}"' in page
    assert f'href="/allow/new?org={ORG}&amp;app=A0BACKUP"' in page
    assert "/allow/new" not in apps.get(f"/app?id=A0BACKUP&org={ORG}", "audit_logs_admin").text


def test_events_lead_to_their_app(apps: Any) -> None:
    """From what it did and from what was done to it; one that nobody names is not here."""
    logs = apps.get(f"/logs?app=A0BACKUP&org={ORG}").text
    assert f'href="/app?org={ORG}&amp;id=A0BACKUP">The app that did it' in logs
    installed = apps.get(f"/logs?action=app_installed&org={ORG}").text
    assert f'href="/app?org={ORG}&amp;id=A0BACKUP"><bdi>Backup' in installed
    assert apps.get("/app?id=A0BACKUP").status_code == 404
    assert apps.get("/app").status_code == 404


def test_an_app_that_nobody_administered_is_named_by_what_it_did(apps: Any) -> None:
    """The name stands in the context of its events."""
    page = apps.get(f"/app?id=A0LONE&org={ORG}").text
    assert "<h1><bdi>Lone</bdi></h1>" in page
    assert "Installed, approved, changed" not in page
