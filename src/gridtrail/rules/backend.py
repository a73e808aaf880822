"""From a Sigma condition to an SQL condition over one event, on pySigma's base classes.

Sigma compares without regard to case, a list matches when one of its items does, and a missing
field matches nothing (so its negation holds). Values are written as quoted literals, patterns
with their wildcards escaped; names of fields are checked by `fields`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    SigmaCompareExpression,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
    TimestampPart,
)

from gridtrail.engine.duckdb import literal
from gridtrail.rules.fields import Field, field

Test = Callable[[str], str]
"""From the SQL of a value to the SQL of a test of it."""

_PARTS = {
    TimestampPart.MINUTE: "minute",
    TimestampPart.HOUR: "hour",
    TimestampPart.DAY: "day",
    TimestampPart.WEEK: "week",
    TimestampPart.MONTH: "month",
    TimestampPart.YEAR: "year",
}
_OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
    CompareOperators.NEQ: "<>",
}
_WILD = SpecialChars.WILDCARD_MULTI


class SqlBackend(TextQueryBackend):
    """Conditions of rules as DuckDB SQL over `e` (events), `a` (addresses) and `c` (clients)."""

    name: ClassVar[str] = "Gridtrail"
    precedence: ClassVar[tuple[type[ConditionItem], type[ConditionItem], type[ConditionItem]]] = (
        ConditionNOT,
        ConditionAND,
        ConditionOR,
    )
    group_expression: ClassVar[str | None] = "({expr})"
    token_separator: str = " "  # noqa: S105 # no secret
    or_token: ClassVar[str] = "OR"  # noqa: S105
    and_token: ClassVar[str] = "AND"  # noqa: S105
    not_token: ClassVar[str] = "NOT"  # noqa: S105
    convert_or_as_in: ClassVar[bool] = True

    def decide_convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> bool:
        """Whether all alternatives are plain texts of one field."""
        if not isinstance(cond, ConditionOR) or len(cond.args) < 2:
            return False
        found = super().decide_convert_condition_as_in_expression(cond, state)
        plain = (type(getattr(one, "value", None)) is SigmaString for one in cond.args)
        return bool(found) and all(plain)

    def convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> str:
        """`field IN (…)`."""
        leaves: list[Any] = list(cond.args)  # decide_… saw that they are texts of one field
        where = field(leaves[0].field)
        texts = [_text(one.value) for one in leaves]

        def test(value: str) -> str:
            listed = ", ".join(_folded(literal(text), where) for text in texts)
            return f"{_folded(value, where)} IN ({listed})"

        return _any(where, test)

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> str:
        """What is not known to hold does not hold."""
        inner = self.convert_condition(cond.args[0], state)
        return f"(NOT coalesce(({inner}), false))"

    def convert_condition_field_eq_val_str(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """A text, maybe with wildcards, in any case."""
        where = field(cond.field)
        return _any(where, lambda value: _matches(_value(cond), value, where, cased=where.exact))

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """A text, maybe with wildcards, exactly."""
        where = field(cond.field)
        return _any(where, lambda value: _matches(_value(cond), value, where, cased=True))

    def convert_condition_field_eq_val_num(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """A number."""
        return _compared(cond.field, "=", _value(cond).number)

    def convert_condition_field_eq_val_bool(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """True or false; JSON's words where the field holds text."""
        where = field(cond.field)
        wanted = "true" if _value(cond).boolean else "false"
        if where.kind == "truth":
            return f"{where.sql} = {wanted}"
        return _any(where, lambda value: f"lower({value}) = '{wanted}'")

    def convert_condition_field_eq_val_re(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """A regular expression that matches somewhere (RE2, as pySigma checks it)."""
        pattern = literal(_pattern(_value(cond)))
        return _any(field(cond.field), lambda value: f"regexp_matches({value}, {pattern})")

    def convert_condition_field_compare_op_val(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """Smaller, greater, or unequal; also of a part of a time."""
        value: SigmaCompareExpression = _value(cond)
        operator = _OPERATORS[value.op]
        if isinstance(value.number, SigmaTimestampPart):
            return _part(cond.field, operator, value.number)
        return _compared(cond.field, operator, value.number.number)

    def convert_condition_field_eq_val_timestamp_part(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """The hour, minute, … (UTC) of a time in seconds."""
        return _part(cond.field, "=", _value(cond))

    def convert_condition_field_eq_field(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """Two fields of the event compared, without regard to case; lists by any pair of items."""
        one, other = field(cond.field), field(_value(cond).field)
        function = {
            (False, False): "{0} = {1}",
            (True, False): "starts_with({0}, {1})",
            (False, True): "ends_with({0}, {1})",
            (True, True): "contains({0}, {1})",
        }[_value(cond).starts_with, _value(cond).ends_with]
        if "list" not in (one.kind, other.kind):
            return function.format(f"lower({one.sql}::VARCHAR)", f"lower({other.sql}::VARCHAR)")
        inner = function.format("lower(one)", "lower(two)")
        found = f"len(list_filter({_listed(other)}, lambda two: {inner})) > 0"
        return f"len(list_filter({_listed(one)}, lambda one: {found})) > 0"

    def convert_condition_field_eq_val_null(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """The field is absent, null or empty."""
        return f"NOT ({_present(field(cond.field))})"

    def convert_condition_field_exists(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """The field has a value."""
        return _present(field(cond.field))

    def convert_condition_field_not_exists(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> str:
        """The field has no value."""
        return f"NOT ({_present(field(cond.field))})"

    def convert_condition_val_str(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> str:
        """A keyword anywhere in the event's bytes."""
        anywhere = SigmaString()
        anywhere.s = [_WILD, *_value(cond).s, _WILD]
        return _matches(anywhere, "e.raw", Field("raw", "e.raw"), cased=False)

    def convert_condition_val_num(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> str:
        """A number anywhere in the event's bytes."""
        return f"contains(e.raw, {literal(str(_value(cond).number))})"

    def convert_condition_val_re(
        self, cond: ConditionValueExpression, state: ConversionState
    ) -> str:
        """A regular expression anywhere in the event's bytes."""
        return f"regexp_matches(e.raw, {literal(_pattern(_value(cond)))})"


def condition_sql(rule: SigmaRule) -> str:
    """The SQL condition of a rule's conditions (any of them).

    Raises SigmaError when it uses what cannot be said in SQL, UnknownField for a field that no
    event has.
    """
    backend = SqlBackend()
    parts = [
        backend.convert_condition(one.parsed, ConversionState())
        for one in rule.detection.parsed_condition
    ]
    if not all(isinstance(part, str) for part in parts):
        raise SigmaFeatureNotSupportedByBackendError("the condition is empty")
    return " OR ".join(f"({part})" for part in parts)


def _value(cond: ConditionFieldEqualsValueExpression | ConditionValueExpression) -> Any:
    """The value, of the type that pySigma dispatched on."""
    return cond.value


def _any(where: Field, test: Test) -> str:
    """The test of the field's value, or of any item of a list."""
    if where.kind != "list":
        return test(where.sql if where.kind == "text" else f"{where.sql}::VARCHAR")
    return f"len(list_filter({where.sql}, lambda one: {test('one')})) > 0"


def _listed(where: Field) -> str:
    return where.sql if where.kind == "list" else f"[{where.sql}::VARCHAR]"


def _present(where: Field) -> str:
    """A list of nothing, and empty text, is nothing."""
    if where.kind == "text":
        return f"coalesce({where.sql}, '') <> ''"
    if where.kind == "list":
        return f"coalesce(len(list_filter({where.sql}, lambda one: one <> '')), 0) > 0"
    return f"{where.sql} IS NOT NULL"


def _folded(value: str, where: Field) -> str:
    return value if where.exact else f"lower({value})"


def _text(value: SigmaString) -> str:
    return "".join(part for part in value.s if isinstance(part, str))


def _matches(pattern: SigmaString, value: str, where: Field, *, cased: bool) -> str:
    """`value` matches a text with wildcards; the cheapest function that says so."""

    def folded(sql: str) -> str:
        return sql if cased else f"lower({sql})"

    parts = list(pattern.s)
    inner = [part for part in parts if isinstance(part, str)]
    text = folded(literal("".join(inner)))
    if not any(isinstance(part, SpecialChars) for part in parts):
        return f"{folded(value)} = {text}"
    if len(inner) == 1 and all(part == _WILD for part in parts if isinstance(part, SpecialChars)):
        if len(parts) == 3:
            return f"contains({folded(value)}, {text})"
        function = "starts_with" if isinstance(parts[0], str) else "ends_with"
        return f"{function}({folded(value)}, {text})"
    like = pattern.convert("\\", "%", "_", "\\")
    return f"{folded(value)} LIKE {folded(literal(like))} ESCAPE '\\'"


def _pattern(value: SigmaRegularExpression) -> str:
    flags = "".join(
        letter
        for letter, flag in (
            ("i", SigmaRegularExpressionFlag.IGNORECASE),
            ("m", SigmaRegularExpressionFlag.MULTILINE),
            ("s", SigmaRegularExpressionFlag.DOTALL),
        )
        if flag in value.flags
    )
    text = value.regexp.to_plain_regex()
    return f"(?{flags}){text}" if flags else text


def _compared(name: str, operator: str, number: float) -> str:
    where = field(name)
    value = SigmaNumber(number).number  # refuses what is no number
    if where.kind == "number":
        return f"{where.sql} {operator} {value}"
    return _any(where, lambda one: f"try_cast({one} AS DOUBLE) {operator} {value}")


def _part(name: str, operator: str, wanted: SigmaTimestampPart) -> str:
    part = _PARTS[wanted.timestamp_part]
    number = int(wanted.number)

    def test(value: str) -> str:
        moment = f"make_timestamp(try_cast({value} AS BIGINT) * 1000000)"
        return f"date_part('{part}', {moment}) {operator} {number}"

    return _any(field(name), test)
