from __future__ import annotations

from collections import Counter

from gridtrail.slack.catalogue import ACTIONS, GROUPS, endpoint_groups, is_known, suggest


def test_counts_are_those_of_the_captured_endpoint() -> None:
    """The catalogue has 776 actions, 762 of them in the endpoint, in 25 groups of known sizes."""
    groups = endpoint_groups()
    assert len(ACTIONS) == 776
    assert len({name for names in groups.values() for name in names}) == 762
    assert sum(map(len, groups.values())) == 770
    sizes = [len(names) for names in groups.values()]
    assert sizes[:13] == [340, 74, 15, 73, 52, 6, 19, 3, 15, 1, 5, 17, 5]
    assert sizes[13:] == [2, 7, 9, 30, 3, 10, 6, 6, 44, 11, 8, 9]
    assert tuple(groups)[:3] == ("workspace_or_org", "user", "file") == GROUPS[:3]
    both = sum(action.in_actions_endpoint and action.in_docs for action in ACTIONS.values())
    only_docs = sum(not a.in_actions_endpoint and a.in_docs for a in ACTIONS.values())
    assert (both, only_docs) == (434, 7)


def test_eight_names_stand_in_two_groups() -> None:
    """Eight names stand under two headings, and the endpoint lists them under both."""
    twice = {name for name, action in ACTIONS.items() if len(action.groups) > 1}
    listed = Counter(name for names in endpoint_groups().values() for name in names)
    assert twice == {name for name, count in listed.items() if count == 2}
    assert len(twice) == 8
    assert ACTIONS["permissions_assigned"].groups == ("account_type_role", "message")


def test_every_action_is_described() -> None:
    """Every action has a description, and known is only what is spelt exactly."""
    assert all(action.description for action in ACTIONS.values())
    assert is_known("user_login")
    assert not is_known("User_Login")
    assert not is_known("")


def test_a_misspelt_name_is_suggested_the_right_one() -> None:
    """A slip of the finger is answered with the name that was meant, nonsense with nothing."""
    assert suggest("user_logn")[0] == "user_login"
    assert suggest("FILE_DOWNLOADED")[0] == "file_downloaded"
    assert suggest("zzzzqqqq") == ()
    assert suggest("x" * 1_000_000) == ()
