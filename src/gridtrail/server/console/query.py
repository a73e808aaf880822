"""Query: one SELECT over the lake, its result as a table, a chart or a file, and kept queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.export.cells import csv_lines
from gridtrail.export.values import cell_text, json_text, plain
from gridtrail.respond.trail import EXPORTED, QUERY_DELETED, QUERY_RUN, QUERY_SAVED
from gridtrail.server.console.bars import Bars, Value, bars
from gridtrail.server.console.refusing import NotAllowed, NotHere
from gridtrail.server.console.text import shortened, visible
from gridtrail.server.console.visit import Visit
from gridtrail.server.queries import Answer, Tables
from gridtrail.server.saved_queries import MOST_SQL, SavedQuery

SHOWN = 500
EXPORTED_MOST = 100_000
_CHARTED = 400
_KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

EXAMPLES: Sequence[tuple[str, str]] = (
    (
        "What happened most in the last week",
        """SELECT action, count(*) AS events, count(DISTINCT actor_id) AS people
FROM events
WHERE org = '{org}' AND day >= (SELECT max(day) FROM events) - 7
GROUP BY action
ORDER BY events DESC""",
    ),
    (
        "Anomalies a day",
        """SELECT day, sum(count)::BIGINT AS anomalies
FROM anomaly_counts
WHERE org = '{org}'
GROUP BY day
ORDER BY day""",
    ),
    (
        "Who downloaded most different files in a day",
        """SELECT day, actor_name, count(DISTINCT entity_id) AS files
FROM events
WHERE org = '{org}' AND action = 'file_downloaded'
GROUP BY ALL
ORDER BY files DESC
LIMIT 50""",
    ),
    (
        "What was found and not said",
        """SELECT detector, why, count(*) AS times
FROM silenced
WHERE org = '{org}'
GROUP BY ALL
ORDER BY times DESC""",
    ),
)


@dataclass(frozen=True, slots=True)
class QueryPage:
    """The query, what came of it, and what is kept; `cells` are the texts of the result's rows."""

    template: ClassVar[str] = "query.html"

    sql: str
    name: str
    error: str
    answer: Answer | None
    cells: Sequence[Sequence[str]]
    chart: Bars | None
    saved: Sequence[SavedQuery]
    tables: Tables
    examples: Sequence[tuple[str, str]]
    most_sql: int = MOST_SQL


async def show(visit: Visit) -> Response:
    """The page with the query of its address or a kept one; it is not run yet. Raises NotHere."""
    name, sql = "", visit.one("sql") or ""
    if wanted := visit.one("saved"):
        one = await _saved(visit, wanted)
        name, sql = one.name, one.sql
    return await _page(visit, sql[:MOST_SQL], name)


async def run(visit: Visit) -> Response:
    """The page with the result."""
    sql, name = _sql(visit), visit.form.get("name", "")[:100]
    await visit.trail(QUERY_RUN, None, {"query": sql})
    try:
        answer = await visit.parts.queries.run(sql, SHOWN)
    except WrongUse as error:
        return await _page(visit, sql, name, error=str(error))
    return await _page(visit, sql, name, answer=answer)


async def export(visit: Visit) -> Response:
    """The result as a file, CSV or JSON (an array of objects)."""
    kind = visit.form.get("format", "")
    if kind not in _KINDS:
        raise WrongUse(f"{kind[:20]!r} is no kind of export: use csv or json.")
    sql = _sql(visit)
    await visit.trail(EXPORTED[kind], None, {"query": sql})
    try:
        answer = await visit.parts.queries.run(sql, EXPORTED_MOST)
    except WrongUse as error:
        return await _page(visit, sql, "", error=str(error))
    if answer.more:
        text = f"The result has more than {EXPORTED_MOST:,} rows: narrow it, or use gridtrail sql."
        return await _page(visit, sql, "", error=text)
    body = await visit.state(_file, answer, kind)
    name = f"gridtrail-query-{datetime.now(UTC):%Y%m%dT%H%M%S}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=_KINDS[kind], headers=headers)


async def save(visit: Visit) -> Response:
    """Keep the query under a name; then its page."""
    owner = (visit.account.id, visit.account.name)
    name, sql = visit.form.get("name", ""), _sql(visit)
    try:
        one = await visit.state(visit.parts.saved.save, name, sql, owner)
    except WrongUse as error:
        return await _page(visit, sql, name[:100], error=str(error))
    await visit.trail(QUERY_SAVED, None, {"query": one.sql, "name": one.name})
    return visit.go(visit.link("/query", saved=one.id))


async def delete(visit: Visit) -> Response:
    """Forget a kept query: one's own, or anybody's for an owner. Raises NotHere, NotAllowed."""
    one = await _saved(visit, visit.request.path_params["query_id"])
    if one.owner_id != visit.account.id and visit.account.role != "owner":
        raise NotAllowed(f"The query is {visible(one.owner_name)}'s: ask them to delete it.")
    await visit.state(visit.parts.saved.delete, one.id)
    await visit.trail(QUERY_DELETED, None, {"query": one.sql, "name": one.name})
    return visit.go(visit.link("/query"))


def _sql(visit: Visit) -> str:
    sql = visit.form.get("sql", "").replace("\r\n", "\n").strip()
    if len(sql) > MOST_SQL:
        raise WrongUse(f"A query has at most {MOST_SQL:,} characters: shorten it.")
    return sql


async def _saved(visit: Visit, query_id: str) -> SavedQuery:
    found = await visit.state(visit.parts.saved.list)
    one = next((each for each in found if each.id == query_id), None)
    if one is None:
        raise NotHere(f"There is no saved query {shortened(query_id, 40)}: look at the list.")
    return one


async def _page(
    visit: Visit, sql: str, name: str, *, error: str = "", answer: Answer | None = None
) -> Response:
    # our own names of organizations are letters, digits, _ and - alone
    examples = [(title, text.format(org=visit.org)) for title, text in EXAMPLES]
    page = QueryPage(
        sql,
        name,
        error,
        answer,
        [] if answer is None else [[_text(value) for value in row] for row in answer.rows],
        None if answer is None else chart_of(answer),
        await visit.state(visit.parts.saved.list),
        await visit.parts.queries.tables(),
        examples,
    )
    return visit.page(page, 400 if error else 200)


def chart_of(answer: Answer) -> Bars | None:
    """The first column of numbers by the first other column, in the order of the rows.

    None where that says nothing: without such columns, with a negative number, with one row or
    very many.
    """
    if not 1 < len(answer.rows) <= _CHARTED or True not in answer.numeric:
        return None
    numbers = answer.numeric.index(True)
    labels = answer.numeric.index(False) if False in answer.numeric else None
    values = []
    for row in answer.rows:
        number = row[numbers]
        if number is not None and not 0 <= float(number) < float("inf"):
            return None
        label = "" if labels is None else shortened(_text(row[labels]), 80)
        title = f"{label}: {_text(number)}" if label else _text(number)
        values.append(Value(None if number is None else float(number), title))
    ends = ("", "")
    if labels is not None:
        first, last = answer.rows[0][labels], answer.rows[-1][labels]
        ends = (shortened(_text(first), 40), shortened(_text(last), 40))
    name = shortened(answer.columns[numbers], 60)
    by = f" by {shortened(answer.columns[labels], 60)}" if labels is not None else ""
    return bars(f"{name}{by}", values, ends=ends, height=140)


def _text(value: object) -> str:
    """A value as people read it; the template escapes it."""
    if value is None or isinstance(value, str):
        return value or ""
    ready = plain(value)
    return ready if isinstance(ready, str) else json_text(ready)


def _file(answer: Answer, kind: str) -> bytes:
    if kind == "csv":
        cells = ([cell_text(value) for value in row] for row in answer.rows)
        return csv_lines([[cell_text(name) for name in answer.columns], *cells])
    lines = (json_text(dict(zip(answer.columns, row, strict=True))) for row in answer.rows)
    return ("[" + ",\n".join(lines) + "]\n").encode("utf-8", "replace")
