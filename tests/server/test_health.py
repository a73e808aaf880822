"""What operators look at."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families


def samples(server: Any) -> dict[str, float]:
    with server.client() as client:
        families = text_string_to_metric_families(client.get("/metrics").text)
        return {
            "|".join([s.name, *(f"{k}={v}" for k, v in sorted(s.labels.items()))]): s.value
            for family in families
            for s in family.samples
        }


def test_ready(data: Any, serve: Any, make_event: Any, noon: int) -> None:
    """Live and ready from the start, and the lake's numbers follow what is stored."""
    server = serve(data)
    with server.client() as client:
        assert client.get("/health").json() == {"ok": True}
        assert client.head("/health").status_code == 200
        lake = {"version": -1, "rows": 0, "files": 0, "last_commit": None}
        assert client.get("/ready").json() == {"ok": True, "lake": lake}
        data.fill([make_event("a"), make_event("b", 5)])
        lake = client.get("/ready").json()["lake"]
        assert (lake["version"], lake["rows"], lake["files"]) == (1, 2, 1)
        assert lake["last_commit"].endswith("Z")
    with server.client(data.token()) as client:
        client.get("/audit/v1/logs")
        client.request("PROPFIND", "/audit/v1/logs")
        client.get("/audit/v1/<script>")
    found = samples(server)
    assert found["gridtrail_lake_rows"] == 2
    assert found["gridtrail_events_served_total"] == 2
    assert found["gridtrail_lake_newest_event_timestamp_seconds"] == noon + 5
    assert found["gridtrail_lake_lag_seconds"] > 0
    requests = "gridtrail_http_requests_total|method={}|route={}|status={}"
    assert found[requests.format("GET", "/audit/v1/logs", 200)] == 1
    assert found[requests.format("other", "/audit/v1/logs", 405)] == 1
    assert found[requests.format("GET", "other", 404)] == 1
    assert not any("script" in name for name in found)


def test_damaged_lake(data: Any, serve: Any, make_event: Any) -> None:
    """A lake whose log cannot be read makes the server not ready, and says so, without crashing."""
    data.fill([make_event("a")])
    log = data.path / "lake" / "events" / "_delta_log"
    for file in log.iterdir():
        if file.suffix == ".json":
            file.write_text("{nonsense")
    server = serve(data)
    with server.client(data.token()) as client:
        for path in ("/ready", "/audit/v1/logs"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["error"]) == (503, "service_unavailable")
            assert str(data.path) not in answer.text
        assert client.get("/health").status_code == 200
    assert any(line["event"] == "stopped" and "restore" in line["reason"] for line in server.log())
