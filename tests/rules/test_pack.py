"""The built-in pack: complete, sound, documented, and quiet on ordinary days."""

from __future__ import annotations

import re
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import orjson
import pytest

from gridtrail.collect.importing import import_files
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.rules.cases import Case, cases_of
from gridtrail.rules.compile import Plan, leaves, plan
from gridtrail.rules.folder import PACK, RuleFolders
from gridtrail.rules.lint import lint
from gridtrail.rules.rule import Rule
from gridtrail.rules.run import run_rules
from gridtrail.rules.state import Hit
from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan as Organization
from gridtrail.sandbox.plan import Story
from gridtrail.settings import EnrichSettings, Settings
from gridtrail.slack.catalogue import ACTIONS
from gridtrail.slack.reasons import REASONS

DOCUMENT = Path(__file__).parents[2] / "docs" / "rule-pack.md"
PEOPLE, DAYS = 300, 30
LEVELS = ("informational", "low", "medium", "high", "critical")
LOUD = LEVELS[2:]
"""Levels of hits that enter findings."""

TACTICS = (
    "initial-access", "execution", "persistence", "privilege-escalation", "stealth",
    "defense-impairment", "credential-access", "discovery", "lateral-movement", "collection",
    "command-and-control", "exfiltration", "impact",
)  # fmt: skip
"""Tactics of MITRE ATT&CK 19 that rules may name."""

FIELD = """
app_scopes_expanded app_resources_granted bot_token_upgraded app_installed app_approved
org_app_workspace_added app_restricted app_uninstalled org_app_workspace_removed

idp_configuration_added idp_configuration_deleted idp_prod_configuration_updated
pref.sso_setting_changed pref.two_factor_auth_changed user_logout_compromised
bulk_session_reset_by_admin user_session_invalidated user_session_reset_by_admin
user_login_failed user_login user_email_updated

role_change_to_owner owner_transferred org_owner_created role_change_to_admin role_assigned
permissions_assigned role_change_to_user role_change_to_guest role_removed permissions_removed
service_owner_transferred organization_created organization_deleted workspace_deleted

native_dlp_rule_deactivated native_dlp_violation_deleted ekm_logging_config_set
ekm_slackbot_unenroll_notification_sent ekm_unenrolled barrier_updated barrier_deleted
intune_disabled legal_hold_policy_released legal_hold_policy_updated
legal_hold_policy_exclusion_added legal_hold_policy_entities_deleted channel_retention_changed
pref.*_retention_changed

file_malicious_content_detected file_downloaded file_uploaded file_shared
file_public_link_created channels_export_downloaded manual_export_downloaded
manual_user_export_downloaded private_channel_converted_to_public public_channel_preview
external_shared_channel_invite_sent connect_dm_invite_generated guest_created anomaly

pref.anomaly_event_response_changed user_anomaly_event_response_allowlist_changed
user_anomaly_event_reponse_allowlist_changed usergroup_anomaly_event_response_allowlist_changed
ip_allowlist_disabled team_authorized_ip_range_added team_authorized_ip_range_removed
team_authorized_ip_range_set app_allowlist_rule_deactivated app_allowlist_rule_deleted
pref.ext_audit_log_retention_*_changed

user_sessions_reset_by_anomaly_event_response user_sessions_reset_by_circuit_breaker
user_password_reset_slack_security ip_allowlist_access_denied file_download_blocked
file_downloaded_blocked

audit_logs_records_searched* audit_logs_export_*_started search_query_audit_logs_export_*
security_settings_export_*

scheduled_export_* channel_audit_export_* corporate_exports_enabled corporate_exports_approved
manual_export_started workflow_responses_csv_download list_downloaded canvas_downloaded

pref.session_duration_changed pref.mobile_session_duration_changed
pref.two_factor_prevent_sms_changed seamless_auth_*_token_created cli_login

mcp_slack_*_tool_called external_auth_oauth2_token_fetched
"""
"""Actions that detections of the field are about, and those that none of them names."""

ELSEWHERE = {
    "file_downloaded": "excessive_downloads",  # a detector
    "scheduled_export_completed": "",  # written by a machine after what a rule is about
    "channel_audit_export_completed": "",
    "search_query_audit_logs_export_completed": "",
}
"""Actions of FIELD without a rule of their own, and the detector that looks at them."""


@pytest.fixture(scope="module")
def planned() -> Plan:
    """The pack, compiled."""
    return plan(RuleFolders([PACK]).current())


@pytest.fixture(scope="module")
def cases(planned: Plan) -> dict[Path, list[Case]]:
    """The cases beside each file of the pack."""
    return {path: cases_of(path)[0] for path in {rule.path for rule in planned.rules.rules}}


def firing(planned: Plan) -> list[Rule]:
    """Rules that make hits."""
    return [rule for rule in planned.rules.rules if rule.fires]


def actions_of(planned: Plan, rule: Rule) -> frozenset[str]:
    """Actions that a rule is about, through others."""
    singles = {one.rule.key: one.actions or frozenset() for one in planned.singles}
    return frozenset().union(*(singles[leaf.key] for leaf in leaves(planned.rules, rule)))


def test_the_linter_has_nothing_to_say() -> None:
    """Neither an error nor a warning."""
    assert [str(problem) for problem in lint(RuleFolders([PACK]).current())] == []


def test_every_rule_has_a_case_that_names_it_and_a_near_miss(
    planned: Plan, cases: dict[Path, list[Case]]
) -> None:
    """Among the cases beside it; where it is alone in its file, a number of hits will do."""
    alone = Counter(rule.path for rule in firing(planned))
    without = []
    for rule in firing(planned):
        names = {rule.key} if alone[rule.path] > 1 else {rule.key, None}
        of_it = [{one.rule for one in case.fires} & names for case in cases[rule.path]]
        if not any(of_it) or all(of_it):
            without.append(rule.key)
    assert without == []


def test_every_action_of_the_field_is_covered(planned: Plan) -> None:
    """By a rule, or by the detector that is named for it."""
    names = FIELD.split()
    covered = frozenset().union(*(actions_of(planned, rule) for rule in firing(planned)))
    wanted = {action for name in names for action in ACTIONS if fnmatch(action, name)}
    assert [name for name in names if not any(fnmatch(action, name) for action in ACTIONS)] == []
    assert sorted(wanted - covered) == sorted(ELSEWHERE)
    assert {name for name in ELSEWHERE.values() if name} <= {one.name for one in all_detectors()}


def test_every_reason_is_passed_on_below_the_level_of_findings(planned: Plan) -> None:
    """Triage takes anomalies by itself, so none may count twice."""
    passed = {rule.key: rule.level for rule in firing(planned) if "anomaly_" in rule.key}
    assert {f"slack_anomaly_{reason}" for reason in REASONS} <= passed.keys()
    own = [name for name in passed if name.removeprefix("slack_anomaly_") in REASONS]
    assert {passed[name] for name in own} <= set(LEVELS[:2])


def test_ids_are_unique_and_facts_about_the_rules_are_there(planned: Plan) -> None:
    """Ids, also of base rules; tactics, techniques, public references, author and date."""
    ids = [str(rule.content.get("id")) for rule in planned.rules.rules]
    assert [one for one, count in Counter(ids).items() if count > 1 or len(one) != 36] == []
    for rule in firing(planned):
        tags = [str(tag).removeprefix("attack.") for tag in rule.content["tags"]]
        techniques = [tag for tag in tags if re.fullmatch(r"t\d{4}(\.\d{3})?", tag)]
        assert techniques, rule.key
        assert [tag for tag in tags if tag not in (*TACTICS, *techniques)] == [], rule.key
        hosts = {str(one).split("/")[2] for one in rule.content["references"]}
        assert hosts <= {"docs.slack.dev", "slack.com", "attack.mitre.org"}, rule.key
        assert rule.content["author"] == "Gridtrail"
        assert rule.key.startswith("slack_")


def test_the_page_about_the_pack_names_every_rule_and_no_other(planned: Plan) -> None:
    """Each rule stands once in the list of its group, with level and title."""
    text = DOCUMENT.read_text("utf-8")
    lines = [
        f"| `{rule.key}` | {rule.level} | {rule.title} |"
        for rule in sorted(firing(planned), key=lambda one: (one.path.parent.name, one.key))
    ]
    listed = [line for line in text.splitlines() if line.startswith("| `slack_")]
    assert listed == lines, "write the list anew:\n" + "\n".join(lines)
    names = {rule.key for rule in planned.rules.rules}
    detectors = {detector.name for detector in all_detectors()}
    assert set(re.findall(r"`(slack_\w+)`", text)) <= names
    assert set(re.findall(r"detector `(\w+)`", text)) <= detectors
    assert f"{len(lines)} rules" in text
    levels = Counter(rule.level for rule in firing(planned))
    assert [level for level in LEVELS if f"| {level} | {levels[level]} |" not in text] == []


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory, engine: DuckDB) -> list[tuple[Hit, str]]:
    """Hits of the pack over a month of an organization with three attacks; the story of each hit,
    empty for ordinary life."""
    folder = tmp_path_factory.mktemp("month")
    stories = (
        Story("compromised_admin", "loud"),
        Story("malware", "loud", days_before_end=3),
        Story("tor", "loud", days_before_end=6),
    )
    made = generate(Organization(seed=11, people=PEOPLE, days=DAYS, stories=stories), folder / "o")
    network = made.path / "network"
    settings = Settings(
        data=folder / "lake",
        enrich=EnrichSettings(
            asn_files=[made.asn],
            packaged_asn=False,
            tor_lists=[network / "tor.txt"],
            vpn_lists=[network / "vpn.txt"],
            relay_lists=[network / "relay.txt"],
            hosting_lists=[network / "hosting.txt"],
        ),
    )
    lake = Lake(folder / "lake", engine)
    import_files([made.events], lake, engine, settings, org="E0ACME")
    report = run_rules(lake, engine, settings, rules=RuleFolders([PACK]).current(), now=2**31)
    assert report.problems == ()
    truth = orjson.loads(made.truth.read_bytes())["stories"]
    story = {event: one["kind"] for one in truth for event in one["event_ids"]}
    return [(hit, story.get(hit.event_id, "")) for hit in report.new]


def test_ordinary_days_are_quiet(month: list[tuple[Hit, str]]) -> None:
    """At most one hit of level medium and above in 5,000 user-days."""
    loud = [hit for hit, story in month if not story and hit.level in LOUD]
    assert len(loud) <= PEOPLE * DAYS / 5_000, [(hit.rule, hit.at) for hit in loud]


def test_planted_attacks_are_hit(month: list[tuple[Hit, str]]) -> None:
    """A taken-over administrator, malware and a login through Tor, each by what they are."""
    rules = {(story, hit.rule) for hit, story in month if story and hit.level in LOUD}
    assert {
        ("compromised_admin", "slack_admin_made"),
        ("compromised_admin", "slack_two_factor_changed"),
        ("compromised_admin", "slack_app_with_admin_scopes_installed"),
        ("malware", "slack_malicious_file"),
        ("malware", "slack_disguised_file"),
        ("tor", "slack_login_from_tor"),
    } <= rules
