"""Rules over a relation of events: one scan, then the correlations, then the hits as rows."""

from __future__ import annotations

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB, literal, quoted
from gridtrail.rules.compile import FOUND, FOUND_COLUMNS, Plan, prepare
from gridtrail.rules.rule import Rule
from gridtrail.rules.state import RULE_HITS
from gridtrail.rules.windows import contributing_sql, hits_sql, holding_sql

_HITS = "_rule_hits"
_HOLDING = "_rule_holding"
_DECIDED = "_rule_decided"
_RULES = "_rule_names"


class Evaluation:
    """Rules that are computed piece by piece over events in order of time.

    Events go in by `add`; `hits` decides a range of seconds from what was added up to then;
    `forget` drops what no later decision needs. The engine's tables `addresses` and `clients` must
    be there when the plan needs them.
    """

    def __init__(self, engine: DuckDB, planned: Plan) -> None:
        self.engine, self.planned = engine, planned
        prepare(engine, planned)
        engine.register("_rule_names_given", _names(planned))
        engine.keep(_RULES, "SELECT * FROM _rule_names_given")
        engine.unregister("_rule_names_given")
        self._empty = True

    def add(self, events: str) -> None:
        """Compute the rules of single events for all rows of the relation `events`."""
        sql = self.planned.scan(events) if self.planned.singles else self._nothing()
        if self._empty:
            self.engine.keep(FOUND, sql)
            self._empty = False
        else:
            self.engine.command(f"INSERT INTO {FOUND} BY NAME {sql}")

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
                f"INSERT INTO {FOUND} BY NAME SELECT DISTINCT {columns}{values}, "
                f"{number}::INTEGER AS rule FROM {_HOLDING} WHERE holds"
            )

    def _explain(self, rule: Rule, number: int) -> None:
        """Put the hits of _DECIDED, with the events that made them, into _HITS."""
        if not self.engine.value(f"SELECT count(*) FROM {_DECIDED}"):
            return
        names = rule.correlation.group_by or []
        pairs = [f"{literal(n)}, d.grouped[{p}]" for p, n in enumerate(names, 1)]
        grouped = f"json_object({', '.join(pairs)})::VARCHAR"
        self.engine.command(
            f"INSERT INTO {_HITS} BY NAME SELECT DISTINCT d.org, d.id, d.moment, "
            f"{number}::INTEGER AS rule, d.subject, d.actor_id, d.session_id, d.ip, "
            f"{grouped} AS grouped, coalesce(k.event_ids, [d.id]) AS event_ids FROM {_DECIDED} d "
            f"LEFT JOIN ({contributing_sql(self.planned, rule, _DECIDED)}) k "
            "ON k.org = d.org AND k.id = d.id AND k.moment = d.moment AND k.grouped = d.grouped"
        )


_ROWS_SQL = f"""
SELECT h.org, make_date((h.moment // 86400)::INTEGER) AS day,
  sha256(to_json([h.org, n.rule_id, h.id, h.moment::VARCHAR, h.grouped])::VARCHAR)[1:32] AS id,
  n.rule_id, n.rule, n.rule_version, n.title, n.level, h.moment AS "at", h.id AS event_id,
  h.event_ids, h.subject, h.actor_id, h.session_id, h.ip, h.grouped
FROM {_HITS} h JOIN {_RULES} n ON n.number = h.rule
ORDER BY h.moment, n.rule, h.id, h.grouped
"""


def _names(planned: Plan) -> pa.Table:
    rules = [planned.rules[key] for key in planned.numbers]
    return pa.table(
        {
            "number": pa.array([planned.numbers[r.key] for r in rules], pa.int32()),
            "rule_id": pa.array([r.id for r in rules], pa.string()),
            "rule": pa.array([r.key for r in rules], pa.string()),
            "rule_version": pa.array([r.version for r in rules], pa.string()),
            "title": pa.array([r.title for r in rules], pa.string()),
            "level": pa.array([r.level for r in rules], pa.string()),
        }
    )
