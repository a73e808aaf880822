from __future__ import annotations

import json

from gridtrail.sandbox.chance import dice
from gridtrail.sandbox.content import MULTI_ROW_TYPES, Channels, Library
from gridtrail.sandbox.words import LEADS_FILE, TEAMS


def test_files_have_names_that_fit_their_type() -> None:
    """A file's type is its name's ending; titles carry no ending; ids are never shared."""
    library = Library(dice(1))
    for team, _ in TEAMS:
        for _ in range(40):
            library.add(team)
    files = [json.loads(entity)["file"] for entity in library.entities]
    assert all(file["name"].endswith("." + file["filetype"]) for file in files)
    assert not any(file["title"].endswith("." + file["filetype"]) for file in files)
    assert len(set(library.ids)) == len(files)
    multi = [file["filetype"] in MULTI_ROW_TYPES for file in files]
    assert multi == library.multi
    assert any(multi)


def test_every_team_has_channels_with_files() -> None:
    """Each team has channels, each channel files; the leads stand in one channel of Sales."""
    library = Library(dice(2))
    channels = Channels(dice(3), 200, library)
    for team, _ in TEAMS:
        assert channels.of_team[team]
    assert all(channel.files for channel in channels.all)
    assert len({channel.name for channel in channels.all}) == len(channels.all)
    place = library.names.index(LEADS_FILE)
    assert [channel.team for channel in channels.all if place in channel.files] == ["Sales"]


def test_guests_see_few_channels() -> None:
    """A guest has a handful of channels and none of the common ones."""
    channels = Channels(dice(3), 200, Library(dice(2)))
    guest = channels.choose_for("Design", dice(4), guest=True)
    member = channels.choose_for("Design", dice(4), guest=False)
    assert len(guest) < len(member)
    assert not set(guest) & set(channels.common)
