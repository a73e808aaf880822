"""Every kind of story by name, and the planting of a plan's stories."""

from __future__ import annotations

from collections.abc import Callable

from gridtrail.sandbox import attacks, intrusions, routine, traps
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.staging import Planted, Stage

_TELLERS: dict[str, Callable[[Stage, Story, int], Planted]] = {
    teller.__name__: teller
    for teller in (
        attacks.matt,
        attacks.stolen_session,
        attacks.tor,
        attacks.slow_exfiltration,
        attacks.spoofed_client,
        attacks.new_network_login,
        attacks.mimic,
        intrusions.compromised_admin,
        intrusions.malicious_app,
        intrusions.malware,
        traps.harmless_burst,
        traps.client_rollout,
        traps.client_rollback,
        traps.vdi_pool,
        traps.conference_hotel,
        traps.vpn_migration,
        traps.ediscovery_export,
        traps.leaver_downloads,
        routine.role_change,
        routine.on_call_nights,
        routine.archive_migration,
        routine.integration_backfill,
        routine.outage,
    )
}


def plant(stage: Stage) -> list[Planted]:
    """Prepare the stories of the plan, in its order; changes the world where a story does."""
    stories = stage.world.plan.stories
    return [plant_one(stage, story, number) for number, story in enumerate(stories)]


def plant_one(stage: Stage, story: Story, number: int) -> Planted:
    """Prepare one story; `number` is its place among all."""
    return _TELLERS[story.kind](stage, story, number)
