"""What the emulated cloud holds, as frozen rows: the format of `--world FILE` and the live state.

A write replaces a row, so the state before the last write stays whole for stale reads.
"""

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr, ValidationError

from keylease.emulator.clock import Delay
from keylease.errors import Misconfigured

REGION = "cn-hangzhou"
ACCOUNT_ID = "123456789012"


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AccessKey(Row):
    id: str
    secret: SecretStr
    security_token: SecretStr | None = None
    active: bool = True
    expires_at: AwareDatetime | None = None
    account_id: str = ACCOUNT_ID
    arn: str = f"acs:ram::{ACCOUNT_ID}:user/keylease"
    denied: tuple[str, ...] = ()
    """Operations that RAM forbids this key."""


class SessionKey(AccessKey):
    """Temporary credentials, as STS and the metadata service issue them."""

    security_token: SecretStr
    expires_at: AwareDatetime


class Topic(Row):
    name: str
    message_type: str = "NORMAL"
    status: str = "RUNNING"
    remark: str = ""
    max_send_tps: int = 1000


class ConsumerGroup(Row):
    name: str
    message_model: str = "CLUSTERING"
    status: str = "RUNNING"
    remark: str = ""
    max_receive_tps: int = 1000


class Endpoint(Row):
    kind: Literal["TCP_VPC", "TCP_INTERNET"]
    url: str
    ip_whitelist: tuple[str, ...] = ()


class MqAccount(Row):
    username: str
    password: SecretStr
    account_type: Literal["CUSTOMER", "DEFAULT"] = "CUSTOMER"
    account_status: Literal["ENABLE", "DISABLE"] = "ENABLE"
    remark: str = ""


class MqRule(Row):
    username: str
    resource_type: Literal["Topic", "Group"]
    resource_name: str
    decision: Literal["Allow", "Deny", ""]
    actions: tuple[str, ...]
    ip_whitelists: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        return self.username, self.resource_type, self.resource_name


class MqInstance(Row):
    id: str
    name: str = ""
    region: str = REGION
    status: Literal["RELEASED", "RUNNING", "STOPPED", "CHANGING", "CREATING"] = "RUNNING"
    acl_types: tuple[str, ...] = ("default", "apache_acl")
    default_vpc_auth_free: bool = False
    account_limit: int = 100
    endpoints: tuple[Endpoint, ...] = ()
    topics: tuple[Topic, ...] = ()
    groups: tuple[ConsumerGroup, ...] = ()
    accounts: tuple[MqAccount, ...] = ()
    rules: tuple[MqRule, ...] = ()


class RedisAccount(Row):
    name: str
    password: SecretStr
    privilege: str = "RoleReadWrite"
    description: str = ""
    account_type: Literal["Normal", "Super"] = "Normal"
    built_in: bool = False
    settles_at: AwareDatetime | None = None
    """While set, the account is Unavailable."""
    leaving: bool = False
    """Settling removes it."""


class RedisInstance(Row):
    id: str
    name: str = ""
    region: str = REGION
    engine_version: str = "7.0"
    status: str = "Normal"
    lock_mode: str = "Unlock"
    supports_accounts: bool = True
    supports_grants: bool = True
    """A minor version that is too old cannot grant."""
    connection_domain: str = "r-demo0001.redis.rds.aliyuncs.com"
    port: int = 6379
    account_limit: int = 18
    changing_until: AwareDatetime | None = None
    accounts: tuple[RedisAccount, ...] = ()


class AclUpdate(StrEnum):
    """What `UpdateInstanceAcl` does; the vendor does not say, so a client must live with each."""

    REPLACE = "replace"
    """Given fields replace the stored ones, omitted fields stay."""
    MERGE = "merge"
    """Given lists are added to the stored ones, omitted fields stay."""
    OMITTED_CLEARS = "omitted_clears"
    """Given fields replace the stored ones, omitted fields become empty."""


class OwnCode(Row):
    """A code and status that the vendor does not document; a world may choose others."""

    code: str
    status: int


class OwnCodes(Row):
    duplicate_account: OwnCode = OwnCode(code="InstanceAccount.Existed", status=409)
    duplicate_rule: OwnCode = OwnCode(code="InstanceAcl.Existed", status=409)
    account_quota: OwnCode = OwnCode(code="InstanceAccount.QuotaExceeded", status=400)
    protected_account: OwnCode = OwnCode(code="InstanceAccount.Protected", status=400)
    account_has_rules: OwnCode = OwnCode(code="InstanceAccount.HasAcl", status=400)
    acl_not_enabled: OwnCode = OwnCode(code="Instance.AclNotEnabled", status=400)
    invalid_parameter: OwnCode = OwnCode(code="InvalidParameter", status=400)
    no_instance: OwnCode = OwnCode(code="Instance.NotFound", status=404)
    no_topic: OwnCode = OwnCode(code="Topic.NotFound", status=404)
    no_group: OwnCode = OwnCode(code="ConsumerGroup.NotFound", status=404)
    no_account: OwnCode = OwnCode(code="InstanceAccount.NotExisted", status=404)
    no_rule: OwnCode = OwnCode(code="InstanceAcl.NotExisted", status=404)
    built_in_account: OwnCode = OwnCode(code="IncorrectAccount", status=400)
    token_missing: OwnCode = OwnCode(code="MissingSecurityToken", status=400)
    token_wrong: OwnCode = OwnCode(code="InvalidSecurityToken.MismatchWithAccessKey", status=400)
    token_expired: OwnCode = OwnCode(code="InvalidSecurityToken.Expired", status=400)
    no_role: OwnCode = OwnCode(code="EntityNotExist.Role", status=404)


class Settings(Row):
    """Behaviour that the vendor leaves open; may be switched while the emulator runs."""

    acl_update: AclUpdate = AclUpdate.REPLACE
    account_removal: Literal["leaves_rules", "removes_rules", "refused_with_rules"] = "leaves_rules"
    acl_checks_resources: bool = True
    masks_passwords: bool = False
    """GetInstanceAccount answers asterisks instead of the real password."""
    redis_settles_after: Delay = timedelta(seconds=0.2)
    redis_removes_after: Delay = timedelta(seconds=0.2)
    redis_changes_for: Delay = timedelta()
    redis_name_pattern: re.Pattern[str] = re.compile(r"[a-z][a-z0-9_]{0,99}")
    redis_reserved_names: tuple[str, ...] = ("admin", "root", "replicator")
    """The vendor's list is not published."""
    token_lifetime: Delay = timedelta(hours=1)
    """For the credentials URI and the metadata service."""
    imds_requires_token: bool = False
    codes: OwnCodes = OwnCodes()


class World(Row):
    access_keys: tuple[AccessKey, ...] = ()
    rocketmq: tuple[MqInstance, ...] = ()
    redis: tuple[RedisInstance, ...] = ()
    roles: tuple[str, ...] | None = None
    """Role ARNs that may be assumed; none given: every well-formed one."""
    settings: Settings = Settings()


def default_world() -> World:
    return World(
        access_keys=(AccessKey(id="testid", secret=SecretStr("testsecret")),),
        rocketmq=(
            MqInstance(
                id="rmq-cn-demo0001",
                name="demo",
                endpoints=(
                    Endpoint(
                        kind="TCP_VPC",
                        url="rmq-cn-demo0001-vpc.cn-hangzhou.rmq.aliyuncs.com:8080",
                    ),
                    Endpoint(
                        kind="TCP_INTERNET",
                        url="rmq-cn-demo0001.cn-hangzhou.rmq.aliyuncs.com:8080",
                        ip_whitelist=("0.0.0.0/0",),
                    ),
                ),
                topics=(Topic(name="orders"), Topic(name="payments")),
                groups=(ConsumerGroup(name="GID_orders"), ConsumerGroup(name="GID_payments")),
            ),
        ),
        redis=(RedisInstance(id="r-demo0001", name="demo"),),
    )


def load_world(path: Path) -> World:
    """Read a world from YAML (JSON is YAML)."""
    import yaml  # noqa: PLC0415  # only a world from a file pays for it

    try:
        return World.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as e:
        first = e.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Misconfigured(f"{path}: {place}: {first['msg']}") from None
    except (OSError, ValueError, yaml.YAMLError) as e:
        raise Misconfigured(
            f"{path}: no readable YAML or JSON ({type(e).__name__}): "
            "name a file of instances, or leave --world out"
        ) from None
