"""Every setting as a typed field with help.

Order of precedence, strongest first: arguments, `GRIDTRAIL_*` in the environment,
`gridtrail.toml` in the data directory, the defaults below. Nested fields use two underscores in
the environment (`GRIDTRAIL_DETECT__SETTLE_SECONDS=60`).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gridtrail.errors import BadSettings
from gridtrail.settings_forward import ForwardSettings
from gridtrail.settings_notify import NotifySettings
from gridtrail.settings_openid import OpenIDSettings
from gridtrail.settings_policy import PolicySettings
from gridtrail.settings_respond import RespondSettings

SETTINGS_FILE = "gridtrail.toml"

LEAST_NOMINAL, MOST_NOMINAL = 0.001, 100.0
"""Anomalies per 1,000 users and day that a detector's thresholds can be made for."""


class EnrichSettings(BaseModel):
    """What is known of addresses and clients beyond the packaged default."""

    asn_files: list[Path] = Field(
        default=[],
        description="Address facts: MMDB files (MaxMind, IPinfo, DB-IP) or iptoasn TSV (plain or "
        "gzip); read in this order before the packaged default, the first that knows an address "
        "wins.",
    )
    packaged_asn: bool = Field(
        default=True, description="Use the packaged address table for what the files do not know."
    )
    hosting_asns: list[int] = Field(
        default=[], description="ASNs to treat as hosting, beside the packaged list."
    )
    internal_networks: list[str] = Field(
        default=[], description="CIDR ranges of the organization's own offices and VPN egress."
    )
    tor_lists: list[Path] = Field(
        default=[],
        description="Lists of Tor exits: one address or CIDR range a line, `#` comments; two more "
        "columns may say from when to when it was true (epoch seconds or ISO 8601).",
    )
    vpn_lists: list[Path] = Field(default=[], description="The same for egress of VPN services.")
    relay_lists: list[Path] = Field(
        default=[], description="The same for privacy relays, such as iCloud Private Relay."
    )
    hosting_lists: list[Path] = Field(
        default=[], description="The same for hosting and cloud ranges."
    )
    ioc_lists: list[Path] = Field(
        default=[],
        description="Lists of addresses known to be malicious (indicators of compromise), in the "
        "same form.",
    )
    ioc_days: int = Field(
        default=30,
        ge=1,
        description="An entry of these that says from when it was true, but not until when, is "
        "true for so many days; one without times for good.",
    )
    suspicious_asn_lists: list[Path] = Field(
        default=[],
        description="Lists of ASNs whose use is suspicious: an ASN a line, `#` comments; further "
        "columns may give a name, and from when to when it was true.",
    )
    expected_clients: list[str] = Field(
        default=[],
        description="Client families that people of this organization are expected to use, beside "
        "Slack's own clients and common browsers (see `gridtrail.enrich.clients`).",
    )


class DetectSettings(BaseModel):
    """How anomalies are found."""

    settle_seconds: int = Field(
        default=120,
        ge=0,
        description="An event is decided this many seconds after its time, so that those which "
        "arrive late are in place.",
    )
    budget_per_1000_users_day: float = Field(
        default=5.0,
        gt=0,
        description="Nominal number of emitted anomalies per 1,000 users and day, all reasons "
        "together; each detector has a share of it.",
    )
    budgets: dict[str, Annotated[float, Field(ge=LEAST_NOMINAL, le=MOST_NOMINAL)]] = Field(
        default={},
        description="Numbers of their own for detectors, instead of a share: anomalies per 1,000 "
        "users and day that thresholds are made for, such as `excessive_downloads = 0.2` in the "
        "table `[detect.budgets]`; 0.001 to 100, less is stricter. It counts from the next run "
        "on. What people put in force in the console, or with `gridtrail thresholds`, goes before "
        "it.",
    )
    warmup_days: int = Field(
        default=14,
        ge=0,
        description="Days of history an organization needs before novelty detectors speak.",
    )
    off: list[str] = Field(
        default=["search_volume"],
        description="Detectors that are off: they learn, and what they find is only listed as "
        "silenced. Slack took `search_volume` back in 2025.",
    )
    plugins: list[Path] = Field(
        default=[],
        description="Files with detectors of your own, run beside the built-in ones; paths are "
        "relative to the data directory (docs/detectors.md).",
    )
    engine: Literal["duckdb", "spark"] = Field(
        default="duckdb",
        description="What computes: `duckdb` in this process, or `spark` on a cluster, for what "
        "one machine is too small for (docs/spark.md). Both find the same.",
    )
    spark_master: str = Field(
        default="local[*]",
        description="The cluster: `spark://HOST:PORT`, or what else Spark takes as a master.",
    )
    spark_shuffle_partitions: int = Field(
        default=8,
        ge=1,
        description="Into how many parts Spark cuts what it groups and joins; about as many as "
        "the cluster has cores.",
    )
    spark_driver_memory: str = Field(
        default="1g", description="Memory of Spark's driver, which runs beside this process."
    )
    spark_executor_memory: str = Field(default="1g", description="Memory of each Spark executor.")
    spark_options: dict[str, str] = Field(
        default={}, description="Further settings by Spark's own names, such as `spark.cores.max`."
    )


class AllowSettings(BaseModel, extra="forbid"):
    """What is known to be good: anomalies that fit are listed as silenced instead of emitted. All
    that an entry names must fit. What is learned stays the same."""

    name: str = Field(min_length=1, description="Shown on what the entry silences.")
    cidr: str | None = Field(default=None, description="Range of addresses, IPv4 or IPv6.")
    asn: int | None = Field(default=None, description="Autonomous system of the address.")
    client: str | None = Field(default=None, description="Client family, such as Slack Desktop.")
    user_agent: str | None = Field(
        default=None, description="Pattern of the user agent; `*` stands for any text."
    )
    user: str | None = Field(default=None, description="Slack's id of a user.")
    app: str | None = Field(default=None, description="Slack's id of an app.")
    org: str | None = Field(default=None, description="Only this organization; by default all.")
    reasons: list[str] = Field(default=[], description="Only these reasons; by default all.")
    since: AwareDatetime | date | None = Field(
        default=None, description="From this day (UTC) or time on; by default always."
    )
    until: AwareDatetime | date | None = Field(
        default=None,
        description="Before this day (UTC) or time. To remove an entry, end it: what it silenced "
        "stays silenced then.",
    )


class ImportSettings(BaseModel):
    """How files are read in."""

    batch_bytes: int = Field(
        default=64 * 1024 * 1024, ge=64 * 1024, description="Bytes read for one commit (about)."
    )
    max_record_bytes: int = Field(
        default=16 * 1024 * 1024,
        ge=1024,
        description="A record longer than this goes to the quarantine.",
    )


class ServerSettings(BaseModel):
    """How the HTTP server answers."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="Port to listen on; 0 takes any free one."
    )
    public_url: str = Field(
        default="",
        description="Address under which clients reach the server, for `auth.test`; by default "
        "the one that the request names.",
    )
    rate_limit_per_minute: int = Field(
        default=0,
        ge=0,
        description="Requests of the Audit Logs API a minute for each organization (Slack allows "
        "50); 0 means no limit.",
    )
    max_body_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024, description="A larger posted body is refused."
    )
    collect: bool = Field(
        default=True,
        description="`serve` also collects from what `[collect]` names: a token, sources, or an "
        "address of one's own.",
    )
    detect_seconds: int = Field(
        default=15,
        ge=0,
        description="`serve` also looks for anomalies in what is new, this often, and makes "
        "findings; 0 leaves that to `gridtrail detect`.",
    )
    workers: int = Field(
        default=2, ge=1, description="Threads that read the lake, each with an engine session."
    )
    memory_limit: str = Field(
        default="512MiB",
        pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$",
        description="Memory of each of these sessions.",
    )


class RulesSettings(BaseModel, extra="forbid"):
    """Which rules run."""

    pack: bool = Field(default=True, description="Run the built-in rules for Slack.")
    folders: list[Path] = Field(
        default=[],
        description="Folders (a git checkout is one) with rules of your own: Sigma files, and "
        "Panther-style Python rules with their YAML. Read anew when a file changes.",
    )
    disabled: list[str] = Field(
        default=[], description="Names or ids of rules that must not make hits."
    )
    python_seconds: int = Field(
        default=60,
        ge=1,
        description="Processor time that Python rules may take for 10,000 events.",
    )


class ConsoleSettings(BaseModel):
    """How people use the web console."""

    url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Address under which people reach the console, for links in notifications; by "
        "default `server.public_url`.",
    )
    idle_minutes: int = Field(
        default=60, ge=1, description="A session of the console ends when it was idle so long."
    )
    session_hours: int = Field(
        default=12, ge=1, description="A session of the console ends after this time anyway."
    )


class SourceSettings(BaseModel, extra="forbid"):
    """One organization to collect from; what is not set is as in `[collect]`."""

    org: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Name under which its events are kept."
    )
    token: SecretStr | None = Field(default=None, description="Its token.")
    base_url: str | None = Field(default=None, description="Its API.")
    actions: list[str] | None = Field(default=None, description="Only these of its actions.")
    since: date | None = Field(default=None, description="Its first day to collect, UTC.")
    calls_per_minute: int | None = Field(default=None, ge=1, le=6000, description="Its budget.")


class CollectSettings(BaseModel, extra="forbid"):
    """How audit events are collected from Slack's Audit Logs API, or what speaks it."""

    token: SecretStr | None = Field(
        default=None,
        description="User token (xoxp-…) with the scope auditlogs:read of an app that an Org Owner "
        "installed on the Enterprise organization. Best given in the environment, as "
        "GRIDTRAIL_COLLECT__TOKEN.",
    )
    base_url: str = Field(
        default="https://api.slack.com/audit/v1/", description="Address of the API."
    )
    org: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Name under which the events are kept; by default the setting `org`.",
    )
    actions: list[str] = Field(
        default=[], description='Collect only these actions; ["anomaly"] takes anomalies alone.'
    )
    since: date | None = Field(
        default=None,
        description="First day to collect, UTC; by default March 2018, when audit logs begin.",
    )
    settle_seconds: int = Field(
        default=60,
        ge=0,
        description="A second is read for good this long after it is over on both clocks.",
    )
    overlap_seconds: int = Field(
        default=300,
        ge=0,
        description="So much of what was read before is read again at each poll, for late events.",
    )
    poll_seconds: int = Field(default=60, ge=1, description="Pause between two polls.")
    calls_per_minute: int = Field(
        default=45,
        ge=1,
        le=6000,
        description="Calls a minute for an organization, all its readings together; Slack allows "
        "50 to all apps of an organization together.",
    )
    limit: int = Field(
        default=9999, ge=1, le=9999, description="Events asked for at once; 9999 is Slack's most."
    )
    allow_http: bool = Field(
        default=False,
        description="Call an unencrypted http:// address on another machine: whoever is on the "
        "way can read the token.",
    )
    sources: list[SourceSettings] = Field(
        default=[],
        description="Several organizations, each a table `[[collect.sources]]` with `org` and what "
        "differs from `[collect]`.",
    )


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(
        env_prefix="GRIDTRAIL_", env_nested_delimiter="__", extra="forbid"
    )

    data: Path = Field(
        default=Path("gridtrail-data"), description="Directory in which everything lives."
    )
    org: str = Field(
        default="default",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Name of the organization for records that are imported without one "
        "(an Enterprise id such as E0ACME is a good choice).",
    )
    database: SecretStr | None = Field(
        default=None,
        description="PostgreSQL database for what is small and changes (findings, verdicts, "
        "people, tokens), as postgresql://user:password@host/name; by default the SQLite file "
        "`state.db` in the data directory.",
    )
    threads: int = Field(default=0, ge=0, description="Threads of the engine; 0 means all cores.")
    memory_limit: str = Field(
        default="1GiB", pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$", description="Memory of the engine."
    )
    enrich: EnrichSettings = EnrichSettings()
    detect: DetectSettings = DetectSettings()
    allow: list[AllowSettings] = Field(
        default=[], description="Static entries of the allow list, each a table `[[allow]]`."
    )
    imports: ImportSettings = ImportSettings()
    collect: CollectSettings = CollectSettings()
    server: ServerSettings = ServerSettings()
    console: ConsoleSettings = ConsoleSettings()
    openid: OpenIDSettings = OpenIDSettings()
    rules: RulesSettings = RulesSettings()
    policy: PolicySettings = PolicySettings()
    respond: RespondSettings = RespondSettings()
    notify: NotifySettings = NotifySettings()
    forward: list[ForwardSettings] = Field(
        default=[], description="Where events and findings are sent on to, each `[[forward]]`."
    )

    @model_validator(mode="after")
    def _one_of_each_name(self) -> Settings:
        names = [one.name for one in self.forward]
        if len(set(names)) < len(names):
            raise ValueError("two tables [[forward]] have the same name")
        return self

    @property
    def state(self) -> Path | str:
        """Where the state database is: a file's path, or PostgreSQL's address."""
        return self.data / "state.db" if self.database is None else self.database.get_secret_value()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the TOML file named by `toml_file`."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load_settings(data: Path | None = None, **arguments: Any) -> Settings:
    """The settings for the data directory `data` (default: `GRIDTRAIL_DATA` or the default).

    Reads `gridtrail.toml` in that directory when it is there.

    Raises BadSettings naming the first wrong field.
    """
    if data is not None:
        arguments["data"] = data
    try:
        where = Path(arguments["data"]) if "data" in arguments else Settings().data
        file = where / SETTINGS_FILE
        return _with_file(file)(**arguments)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "(file)"
        raise BadSettings(
            f"The setting {field} is wrong ({first['msg']}): correct it in {SETTINGS_FILE} or in "
            "the environment."
        ) from error
    except ValueError as error:  # tomllib.TOMLDecodeError and pydantic's SettingsError
        raise BadSettings(f"The settings cannot be read ({error}): correct them.") from error


def _with_file(file: Path) -> type[Settings]:
    class SettingsFromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file if file.is_file() else None)

    return SettingsFromFile
