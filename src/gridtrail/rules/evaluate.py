"""Rules over a relation of events: one scan, then the correlations, then the hits as rows."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB, literal, quoted
from gridtrail.rules.compile import FOUND, FOUND_COLUMNS, Plan, prepare
from gridtrail.rules.python_rules import DEDUP
from gridtrail.rules.python_run import BATCH, PythonRunner, Said
from gridtrail.rules.rule import Problem, Rule
from gridtrail.rules.state import RULE_HITS
from gridtrail.rules.windows import contributing_sql, hits_sql, holding_sql

_HITS = "_rule_hits"
_HOLDING = "_rule_holding"
_DECIDED = "_rule_decided"
_RULES = "_rule_names"
_PYTHON = "_rule_python"
_SAID = "_rule_said"
_NO_WORDS = (
    "SELECT NULL::VARCHAR AS org, NULL::VARCHAR AS id, NULL::INTEGER AS rule, "
    "NULL::VARCHAR AS title, NULL::VARCHAR AS level WHERE false"
)


class Evaluation:
    """Rules that are computed piece by piece over events in order of time.

    Events go in by `add`; `hits` decides a range of seconds from what was added up to then;
    `forget` drops what no later decision needs. The engine's tables `addresses` and `clients` must
    be there when the plan needs them.
    """

    def __init__(self, engine: DuckDB, planned: Plan, *, python_seconds: int = 60) -> None:
        self.engine, self.planned = engine, planned
        prepare(engine, planned)
        engine.register("_rule_names_given", _names(planned))
        engine.keep(_RULES, "SELECT * FROM _rule_names_given")
        engine.unregister("_rule_names_given")
        engine.keep(_SAID, _NO_WORDS)
        self.python = PythonRunner(planned.python, python_seconds)
        self._empty = True

    @property
    def problems(self) -> list[Problem]:
        """Python rules that failed so far."""
        return self.python.problems

    def add(self, events: str) -> None:
        """Compute the rules of single events for all rows of the relation `events`."""
        sql = self.planned.scan(events) if self.planned.singles else self._nothing()
        if self._empty:
            self.engine.keep(FOUND, sql)
            self._empty = False
        else:
            self.engine.command(f"INSERT INTO {FOUND} BY NAME {sql}")
        if self.planned.python:
            self._ask_python(events)

    def _ask_python(self, events: str) -> None:
        """Let the Python rules decide the rows of `events`, a batch at a time."""
        columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in FOUND_COLUMNS.items())
        self.engine.keep(
            _PYTHON,
            f"SELECT {columns}, e.raw, row_number() OVER () AS place FROM {quoted(events)} e",
        )
        count = int(self.engine.value(f"SELECT count(*) FROM {_PYTHON}"))
        for first in range(1, count + 1, BATCH):
            span = [first, first + BATCH - 1]
            rows = self.engine.rows(
                f"SELECT place, raw FROM {_PYTHON} WHERE place BETWEEN ? AND ? ORDER BY place", span
            )
            self._put(self.python.said(rows["raw"].to_pylist()), first)
        self.engine.drop(_PYTHON)

    def _put(self, said: Sequence[Said], first: int) -> None:
        """What Python said of a batch that begins at place `first`, as rows found."""
        numbers = self.planned.numbers
        table = pa.table(
            {
                "place": pa.array([one.place + first for one in said], pa.int64()),
                "rule": pa.array([numbers[one.rule] for one in said], pa.int32()),
                "dedup": pa.array([one.dedup for one in said], pa.string()),
                "title": pa.array([one.title for one in said], pa.string()),
                "level": pa.array([one.level for one in said], pa.string()),
            }
        )
        self.engine.register("_rule_words", table)
        joined = f"_rule_words w JOIN {_PYTHON} p USING (place)"
        columns = ", ".join(f"p.{quoted(name)}" for name in FOUND_COLUMNS)
        column = self.planned.values[DEDUP][0]
        self.engine.command(
            f"INSERT INTO {FOUND} BY NAME SELECT {columns}, w.rule, w.dedup AS {column} "
            f"FROM {joined}"
        )
        self.engine.command(
            f"INSERT INTO {_SAID} SELECT p.org, p.id, w.rule, w.title, w.level FROM {joined}"
        )
        self.engine.unregister("_rule_words")

    def _nothing(self) -> str:
        columns = [f"NULL::VARCHAR AS {quoted(c)}" for c in FOUND_COLUMNS if c != "moment"]
        columns += [f"NULL::VARCHAR AS {c}" for c, _ in self.planned.values.values()]
        columns += ["NULL::BIGINT AS moment", "NULL::INTEGER AS rule"]
        return f"SELECT {', '.join(columns)} WHERE false"

    def forget(self, before: int) -> None:
        """Drop what was found in seconds before `before`."""
        self.engine.command(f"DELETE FROM {FOUND} WHERE moment < ?", [before])

    def hits(self, first: int, last: int) -> pa.Table:
        """The hits decided in the seconds from `first` to `last`, rows of RULE_HITS."""
        columns = "org, id, moment, rule, subject, actor_id, session_id, ip"
        firing = [self.planned.numbers[o.rule.key] for o in self.planned.singles if o.rule.fires]
        listed = ", ".join(map(str, firing)) or "NULL"
        self.engine.keep(
            _HITS,
            f"SELECT {columns}, '{{}}' AS grouped, [id] AS event_ids FROM {FOUND} "
            f"WHERE rule IN ({listed}) AND moment BETWEEN {int(first)} AND {int(last)}",
        )
        for rule in self.planned.correlations:
            self._correlate(rule, first, last)
        numbers = [self.planned.numbers[rule.key] for rule in self.planned.correlations]
        if numbers:
            gone = ", ".join(map(str, numbers))
            self.engine.command(f"DELETE FROM {FOUND} WHERE rule IN ({gone})")
        return self.engine.rows(_ROWS_SQL).cast(RULE_HITS.schema)

    def _correlate(self, rule: Rule, first: int, last: int) -> None:
        number = self.planned.numbers[rule.key]
        self.engine.keep(_HOLDING, holding_sql(self.planned, rule))
        if rule.fires:
            decided = hits_sql(_HOLDING, rule)
            self.engine.keep(
                _DECIDED,
                f"SELECT * FROM ({decided}) WHERE moment BETWEEN {int(first)} AND {int(last)}",
            )
            self._explain(rule, number)
        if any(rule.key in other.uses for other in self.planned.correlations):
            values = "".join(f", {column}" for column, _ in self.planned.values.values())
            columns = ", ".join(quoted(name) for name in FOUND_COLUMNS)
            self.engine.command(
                f"INSERT INTO {FOUND} BY NAME SELECT DISTINCT {columns}{values}, {number}::INTEGER "
                f"AS rule FROM {FOUND} WHERE rowid IN (SELECT place FROM {_HOLDING} WHERE holds)"
            )

    def _explain(self, rule: Rule, number: int) -> None:
        """Put the hits of _DECIDED, with the events that made them, into _HITS."""
        if not self.engine.value(f"SELECT count(*) FROM {_DECIDED}"):
            return
        names = rule.correlation.group_by or []
        pairs = [f"{literal(n)}, d.g{p}" for p, n in enumerate(names)]
        grouped = f"json_object({', '.join(pairs)})::VARCHAR"
        self.engine.command(
            f"INSERT INTO {_HITS} BY NAME SELECT DISTINCT d.org, d.id, d.moment, "
            f"{number}::INTEGER AS rule, f.subject, f.actor_id, f.session_id, f.ip, "
            f"{grouped} AS grouped, coalesce(k.event_ids, [d.id]) AS event_ids "
            f"FROM {_DECIDED} d JOIN {FOUND} f ON f.rowid = d.place "
            f"LEFT JOIN ({contributing_sql(self.planned, rule, _DECIDED)}) k ON k.place = d.place"
        )


_ROWS_SQL = f"""
SELECT h.org, make_date((h.moment // 86400)::INTEGER) AS day,
  sha256(to_json([h.org, n.rule_id, h.id, h.moment::VARCHAR, h.grouped])::VARCHAR)[1:32] AS id,
  n.rule_id, n.rule, n.rule_version,
  coalesce(s.title, n.title) AS title, coalesce(s.level, n.level) AS level,
  h.moment AS "at", h.id AS event_id, h.event_ids,
  h.subject, h.actor_id, h.session_id, h.ip, h.grouped
FROM {_HITS} h JOIN {_RULES} n ON n.number = h.rule
  LEFT JOIN (SELECT DISTINCT * FROM {_SAID}) s ON s.org = h.org AND s.id = h.id AND s.rule = n.said
ORDER BY h.moment, n.rule, h.id, h.grouped
"""


def _asked(planned: Plan, rule: Rule) -> int:
    """The number of the Python rule whose words a hit carries, or -1."""
    python = {one.key for one in planned.python}
    return next((planned.numbers[used] for used in rule.uses if used in python), -1)


def _names(planned: Plan) -> pa.Table:
    rules = [planned.rules[key] for key in planned.numbers]
    return pa.table(
        {
            "number": pa.array([planned.numbers[r.key] for r in rules], pa.int32()),
            "said": pa.array([_asked(planned, r) for r in rules], pa.int32()),
            "rule_id": pa.array([r.id for r in rules], pa.string()),
            "rule": pa.array([r.key for r in rules], pa.string()),
            "rule_version": pa.array([r.version for r in rules], pa.string()),
            "title": pa.array([r.title for r in rules], pa.string()),
            "level": pa.array([r.level for r in rules], pa.string()),
        }
    )
