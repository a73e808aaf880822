"""From changes of findings to messages: what each channel is told that it does not know yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gridtrail.notify.message import Kind, Message, digest_of, told_of, worst_first
from gridtrail.notify.rules import hearers
from gridtrail.notify.store import Outbox, mark, put, read, set_mark
from gridtrail.notify.tables import messages, told
from gridtrail.settings_notify import ChannelSettings, NotifySettings
from gridtrail.triage.finding import severity_rank
from gridtrail.triage.store import Change, changes_after

_POSITION = "findings"
_AT_ONCE = 200
_DAY = 86_400


def follow(outbox: Outbox, settings: NotifySettings) -> int:
    """Put into the outbox what the changes of findings since the last time have to tell.

    Messages and position are written in one transaction: nothing is told twice or left out,
    wherever it is cut. Returns the number of changes that were looked at.
    """
    looked = 0
    while True:
        with outbox.writing().begin() as connection:
            after = mark(connection, _POSITION) or 0
            changes = changes_after(connection, after, _AT_ONCE)
            for change in changes:
                due = hearers(settings, change.finding, outbox.now)
                for channel in settings.channels:
                    one = _Telling(connection, channel, change, outbox.now)
                    one.tell(due.get(channel.name), settings.oldest_days)
            if changes:
                set_mark(connection, _POSITION, changes[-1].number)
        looked += len(changes)
        if len(changes) < _AT_ONCE:
            return looked


class _Telling:
    """One change for one channel."""

    def __init__(
        self, connection: sa.Connection, channel: ChannelSettings, change: Change, now: int
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._finding = change.finding
        self._rank = severity_rank(change.finding.severity)
        self._digest = digest_of(change.finding, change.merged_into)
        self._over = change.merged_into is not None or change.finding.status == "closed"
        whole = channel.kind == "webhook"
        self._told = told_of(change.finding, change.merged_into, whole=whole)
        self._now = now

    def tell(self, due: int | None, oldest_days: int) -> None:
        """What the channel hears of it; `due` is when a rule speaks of it, None when none does."""
        mine = (told.c.channel == self._channel.name) & (told.c.finding_id == self._finding.id)
        known = self._connection.execute(told.select().where(mine)).one_or_none()
        if known is None:
            old = self._finding.last_seen < self._now - oldest_days * _DAY
            if due is None or self._over or old:
                return
            notice, rank = self._news("created", due), self._rank
            values = {"channel": self._channel.name, "finding_id": self._finding.id}
            self._connection.execute(told.insert().values(**values, **self._known(notice, rank)))
            return
        if known.digest == self._digest:
            return
        rank = max(known.severity_rank, self._rank)
        worse = self._rank > known.severity_rank and due is not None and not self._over
        before = self._notice(known.message_id)
        if worse and due is not None and not (before and before.fresh):
            if self._channel.kind == "slack":
                self._update(before, None)  # so that the old message does not say less
            notice = self._news("raised", due)
        else:
            notice = known.message_id
            self._update(before, due if worse else None)
        update = told.update().where(mine).values(self._known(notice, rank))
        self._connection.execute(update)

    def _known(self, notice: str, rank: int) -> dict[str, Any]:
        return {"message_id": notice, "severity_rank": rank, "digest": self._digest}

    def _notice(self, message_id: str) -> Message | None:
        query = messages.select().where(messages.c.id == message_id)
        found = self._connection.execute(query).one_or_none()
        return None if found is None else read(self._connection, message_id)

    def _news(self, kind: Kind, due: int) -> str:
        return put(
            self._connection,
            self._channel.name,
            kind,
            {"findings": [self._told], "news": {self._finding.id: kind}},
            now=self._now,
            due_at=due,
            finding_ids=[self._finding.id],
            severity_rank=self._rank,
        )

    def _update(self, notice: Message | None, due: int | None) -> None:
        """Change what waits, or send a change of what was sent."""
        if notice is None or (self._channel.kind == "apprise" and not notice.fresh):
            return  # forgotten long ago, or it cannot be changed there
        if notice.fresh:
            self._rewrite(notice, notice.body.get("news", {}), due)
            return
        name = self._finding.id
        query = messages.select().where(messages.c.about == notice.id)
        newest = self._connection.execute(query.order_by(messages.c.number.desc()).limit(1)).first()
        update = read(self._connection, newest.id) if newest else None
        if update is not None and update.fresh:
            news = {**update.body.get("news", {}), name: "updated"}
            self._rewrite(update, news, None, finding_ids=list(news))
            return
        put(
            self._connection,
            self._channel.name,
            "updated",
            {
                "findings": self._shown(update if update and update.findings else notice),
                "news": {name: "updated"},
            },
            now=self._now,
            finding_ids=[name],
            severity_rank=self._rank,
            about=notice.id,
        )

    def _shown(self, message: Message) -> list[Mapping[str, Any]]:
        """All findings of a message, this one as it is now; programs are told of this one alone."""
        others = [one for one in message.findings if one["id"] != self._finding.id]
        alone = self._channel.kind == "webhook" and not message.fresh
        return worst_first([self._told, *([] if alone else others)])

    def _rewrite(
        self, message: Message, news: Mapping[str, str], due: int | None, **values: Any
    ) -> None:
        values["body"] = {"findings": self._shown(message), "news": dict(news)}
        values["severity_rank"] = max(message.severity_rank, self._rank)
        if due is not None:
            values["due_at"] = min(message.due_at, due)
        mine = messages.c.id == message.id
        self._connection.execute(messages.update().where(mine).values(**values))
