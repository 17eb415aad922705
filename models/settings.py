"""Settings from the environment, validated once by whoever plugs things together; nothing is read at import."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.contracts import Queue
from models.temporal_profile import CONNECTION, profile_addresses
from models.words.calendar import WorkingCalendar, read_calendar
from models.words.waiting import WAIT_DAYS, Wait

CountyCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
WorkingDays = Annotated[int, Field(ge=0, le=250)]
CountyName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]

# Encrypted; without TLS on this machine only, for trying out.
_SAFE = r"^(https://[^\s?#/]+|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?)"
IssuerAddress = Annotated[str, StringConstraints(max_length=500, pattern=_SAFE + r"(/[^\s?#]*)?$")]
# Of the local stack, whose start page answers nobody else (models/this_machine.py).
LocalAddress = Annotated[str, StringConstraints(pattern=r"^http://127\.0\.0\.1:[0-9]{1,5}$")]
ReturnAddress = Annotated[str, StringConstraints(max_length=500, pattern=_SAFE + r"/console/sign-in/oidc$")]


def _written(value: object) -> str:
    """As the environment has it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)


class Settings(BaseSettings):
    """Every knob of worker and API; the README's configuration table is held against these fields by a test."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: SecretStr
    database_pool_size: int = Field(24, ge=16, le=100)

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_task_queue: str = "onecard"
    temporal_ui_url: str = "http://127.0.0.1:8233"
    temporal_canary_namespace: str | None = None
    temporal_canary_seconds: float = Field(60.0, ge=1)
    temporal_api_key: SecretStr | None = None
    temporal_config_file: Path | None = None
    temporal_profile: str | None = None
    temporal_tls: bool | None = None
    temporal_tls_server_name: str | None = None
    temporal_tls_server_ca_cert_path: Path | None = None
    temporal_tls_server_ca_cert_data: str | None = None
    temporal_tls_client_cert_path: Path | None = None
    temporal_tls_client_cert_data: str | None = None
    temporal_tls_client_key_path: Path | None = None
    temporal_tls_client_key_data: SecretStr | None = None

    s3_endpoint_url: str | None = None
    s3_bucket: str = "onecard"
    s3_region: str = "us-east-1"
    s3_access_key_id: SecretStr | None = None
    s3_secret_access_key: SecretStr | None = None

    platform_clients_file: Path
    platform_timeout_seconds: float = Field(30.0, gt=0)
    platform_first_ask_seconds: float = Field(86_400.0, gt=0)
    platform_ask_seconds: float = Field(86_400.0, gt=0)
    platform_missing_page_seconds: float = Field(60.0, gt=0)
    platform_busy_retry_seconds: float = Field(600.0, gt=0)

    vault_key_file: Path
    token_key_file: Path

    county_names: dict[CountyCode, CountyName] = {}
    publicity_days: int = Field(7, ge=0, le=90)
    calendar_file: Path | None = None
    wait_days: dict[Wait, WorkingDays] = {}
    fund_natures: str = Field(
        "一般公共预算资金,政府性基金预算资金,国有资本经营预算资金,社会保险基金预算资金,财政专户管理资金,单位资金",
        min_length=1,
    )
    citizen_province_code: str = Field("500000", pattern=r"^[0-9]{2}0000$")
    citizen_app_name: Annotated[str, StringConstraints(min_length=1, max_length=20)] = "渝快办"
    citizen_idle_minutes: float = Field(30.0, gt=0)
    citizen_session_hours: float = Field(12.0, gt=0, le=720)
    citizen_cookies_secure: bool = True
    citizen_logins_per_person_hour: int = Field(5, ge=1)
    citizen_logins_per_address_hour: int = Field(20, ge=1)
    citizen_failed_changes_per_person_day: int = Field(20, ge=1)
    staff_idle_minutes: float = Field(30.0, gt=0)
    staff_session_hours: float = Field(10.0, gt=0, le=24)
    staff_sign_ins_per_address_hour: int = Field(120, ge=1)
    oidc_issuer: IssuerAddress | None = None
    oidc_client_id: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_redirect_url: ReturnAddress | None = None
    public_looks_per_address_minute: int = Field(120, ge=1)
    public_list_kept_seconds: float = Field(5.0, ge=0, le=60)
    searches_per_person_hour: int = Field(120, ge=1)
    account_check_hours: float = Field(24.0, gt=0)
    invalidations_hours: float = Field(1.0, gt=0)

    returns_days: int = Field(90, ge=0, le=400)
    # whole years between a fund year and the day on which its lines may be moved out
    lines_kept_years: int = Field(2, ge=1, le=30)
    parked_days: float = Field(7.0, gt=0)
    outbox_kept_days: int = Field(30, ge=1, le=3_650)
    drafts_kept_days: int = Field(90, ge=1, le=3_650)
    answers_kept_days: int = Field(30, ge=1, le=3_650)
    logins_kept_days: int = Field(30, ge=1, le=3_650)
    staff_sessions_kept_days: int = Field(400, ge=1, le=3_650)
    verdicts_kept_days: int = Field(90, ge=1, le=3_650)
    request_seconds: float = Field(20.0, gt=0)
    upload_max_mib: int = Field(20, ge=1, le=100)
    relay_poll_seconds: float = Field(1.0, gt=0)
    watch_seconds: float = Field(20.0, gt=0)
    worker_queues: str = Field(
        "runs,people,calls,bulk", pattern=r"^(runs|people|calls|bulk)(,(runs|people|calls|bulk))*$"
    )
    worker_build_id: str | None = Field(None, pattern=r"^[A-Za-z0-9._-]{1,100}$")
    worker_grace_seconds: float = Field(75.0, ge=0)
    metrics_address: str | None = None
    fault_points: str | None = None
    start_page_url: LocalAddress | None = None

    trusted_proxies: str | None = None
    api_host: str = "127.0.0.1"
    api_port: int = Field(8000, ge=1, le=65_535)

    @model_validator(mode="before")
    @classmethod
    def _addressed_by_the_profile(cls, given: dict[str, object]) -> dict[str, object]:
        """Where the profile file says address or namespace and nothing else does, they are the settings'."""
        return profile_addresses(given) | given

    @property
    def temporal_environment(self) -> dict[str, str]:
        """How Temporal is reached, by the SDK's own names; what wasn't given is left to the profile file."""
        return {
            name.upper(): _written(getattr(self, name))
            for name in CONNECTION
            if name in self.model_fields_set and getattr(self, name) is not None
        }

    @property
    def fund_nature_list(self) -> tuple[str, ...]:
        """资金性质 that an indicator may be of, in the order in which they are offered."""
        return tuple(name for each in self.fund_natures.split(",") if (name := each.strip()))

    @property
    def queues(self) -> frozenset[Queue]:
        """What a worker process takes work from."""
        return frozenset(map(Queue, self.worker_queues.split(",")))

    @property
    def platform_total_seconds(self) -> float:
        """How long one exchange with the platform may take in all, connecting and reading included."""
        return 2 * self.platform_timeout_seconds

    @property
    def passwords(self) -> bool:
        """Whether staff sign in by passwords kept here: not where the province's 统一身份认证 is set."""
        return self.oidc_issuer is None

    @cached_property
    def calendar(self) -> WorkingCalendar:
        """Working days as the State Council's notices have them."""
        return read_calendar(self.calendar_file)

    def days_for(self, wait: Wait) -> int:
        """How many working days something may be waited for before it is overdue."""
        return self.wait_days.get(wait, WAIT_DAYS[wait])

    @model_validator(mode="after")
    def _queues_are_known(self) -> Self:
        """Refused at the start: a worker that takes nothing would only look as if it worked."""
        if unknown := set(self.worker_queues.split(",")) - set(Queue):
            raise ValueError(f"WORKER_QUEUES: {'、'.join(sorted(unknown))} 不是队列，可用的有 {'、'.join(Queue)}")
        return self

    @model_validator(mode="after")
    def _calendar_can_be_read(self) -> Self:
        assert self.calendar.notices, "CALENDAR_FILE has no notice"
        return self

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Self:
        given = self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret, self.oidc_redirect_url
        if len({value is None for value in given}) > 1:
            raise ValueError("OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and OIDC_REDIRECT_URL belong together")
        return self

    @model_validator(mode="after")
    def _grace_outlasts_calls(self) -> Self:
        if self.worker_grace_seconds < self.platform_total_seconds:
            raise ValueError("WORKER_GRACE_SECONDS must be at least twice PLATFORM_TIMEOUT_SECONDS")
        return self
