"""Gridtrail's own API, `/api/v1`: one file a resource; `document` has the OpenAPI document."""
