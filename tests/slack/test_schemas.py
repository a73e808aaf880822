from __future__ import annotations

from collections import Counter

from gridtrail.slack.schemas import endpoint_schemas


def test_the_types_are_those_of_the_captured_endpoint() -> None:
    """Sixteen types, of which users, apps and workflows stand there with several sets of fields."""
    times = Counter(schema["type"] for schema in endpoint_schemas())
    assert len(times) == 16
    several = {kind: count for kind, count in times.items() if count > 1}
    assert several == {"user": 2, "app": 3, "workflow_v2": 3}


def test_each_schema_holds_its_fields_under_its_own_type() -> None:
    """A schema is its type and, under that name, the type of each field in Slack's words."""
    for schema in endpoint_schemas():
        kind = schema["type"]
        assert list(schema) == ["type", kind]
        # a message is known by its channel and its time
        assert {"id", "timestamp"} & set(schema[kind])
        assert all(isinstance(word, str) and word for word in schema[kind].values())
    [file] = [schema["file"] for schema in endpoint_schemas() if schema["type"] == "file"]
    assert list(file.items()) == [
        ("id", "string"),
        ("name", "string"),
        ("filetype", "string"),
        ("title", "string"),
    ]
