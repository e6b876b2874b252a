"""RocketMQ ACL rules: at most one for each (user, resource type, resource name)."""

import ipaddress
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import JsonValue

from keylease.emulator.call import Call
from keylease.emulator.envelope import Payload
from keylease.emulator.refusal import missing
from keylease.emulator.rocketmq.instances import (
    DONE,
    account_named,
    acl_instance,
    paged,
    path_value,
    usable_instance,
)
from keylease.emulator.world import AclUpdate, MqInstance, MqRule

ACTIONS = {"Topic": frozenset({"pub", "sub"}), "Group": frozenset({"sub"})}
DECISIONS = ("Allow", "Deny")


def create(call: Call) -> Payload:
    instance = acl_instance(call)
    document = call.document()
    rule = MqRule.model_validate(
        {
            **_selector(call, document),
            "decision": _present(_decision(call, document), name="decision"),
            "actions": _present(_actions(call, document), name="actions"),
            "ip_whitelists": _networks(call, document) or (),
        }
    )
    account_named(call, instance=instance, username=rule.username)
    _demand_resource(call, instance=instance, rule=rule)
    if any(row.key == rule.key for row in instance.rules):
        raise call.refusal(call.live.settings.codes.duplicate_rule, "The ACL already exists.")
    call.live.rocketmq.put(_with_rules(instance, (*instance.rules, rule)))
    return DONE


def get(call: Call) -> Payload:
    instance = usable_instance(call)
    rule = _rule(call, instance=instance, selector=_selector(call, call.parameters))
    return {"data": _shown(rule, instance=instance, acl_type="apache_acl")}


def update(call: Call) -> Payload:
    instance = acl_instance(call)
    document = call.document()
    rule = _rule(call, instance=instance, selector=_selector(call, document))
    given = {
        "decision": _decision(call, document),
        "actions": _actions(call, document),
        "ip_whitelists": _networks(call, document),
    }
    changes = UPDATES[call.live.settings.acl_update](rule, given)
    changed = rule.model_copy(update=changes)
    rules = tuple(changed if row is rule else row for row in instance.rules)
    call.live.rocketmq.put(_with_rules(instance, rules))
    return DONE


def delete(call: Call) -> Payload:
    instance = usable_instance(call)
    rule = _rule(call, instance=instance, selector=_selector(call, call.parameters))
    call.live.rocketmq.put(
        _with_rules(instance, tuple(row for row in instance.rules if row is not rule))
    )
    return DONE


def list_all(call: Call) -> Payload:
    instance = usable_instance(call)
    wanted = call.parameters.get("filter", "")
    rows: list[JsonValue] = [
        _shown(rule, instance=instance, acl_type="APACHE")  # the list spells the type differently
        for rule in instance.rules
        if wanted in rule.resource_name or wanted in rule.username
    ]
    return paged(call, rows)


OPERATIONS: Mapping[str, Callable[[Call], Payload]] = {
    "CreateInstanceAcl": create,
    "GetInstanceAcl": get,
    "UpdateInstanceAcl": update,
    "DeleteInstanceAcl": delete,
    "ListInstanceAcl": list_all,
}

Value = TypeVar("Value", str, tuple[str, ...])
Given = Mapping[str, tuple[str, ...] | str | None]


def _replaced(_: MqRule, given: Given) -> Mapping[str, object]:
    return {name: value for name, value in given.items() if value is not None}


def _merged(rule: MqRule, given: Given) -> Mapping[str, object]:
    changes = dict(_replaced(rule, given))
    for name, stored in (("actions", rule.actions), ("ip_whitelists", rule.ip_whitelists)):
        added = given[name] or ()
        changes[name] = (*stored, *(value for value in added if value not in stored))
    return changes


def _replaced_or_cleared(_: MqRule, given: Given) -> Mapping[str, object]:
    empty: Given = {"decision": "", "actions": (), "ip_whitelists": ()}
    return {name: empty[name] if value is None else value for name, value in given.items()}


UPDATES: Mapping[AclUpdate, Callable[[MqRule, Given], Mapping[str, object]]] = {
    AclUpdate.REPLACE: _replaced,
    AclUpdate.MERGE: _merged,
    AclUpdate.OMITTED_CLEARS: _replaced_or_cleared,
}


def _selector(call: Call, source: Mapping[str, JsonValue] | Mapping[str, str]) -> Mapping[str, str]:
    resource_type = call.required_text(source, "resourceType")
    if resource_type not in ACTIONS:
        raise call.bad_parameter("resourceType")
    return {
        "username": path_value(call, "username"),
        "resource_type": resource_type,
        "resource_name": call.required_text(source, "resourceName"),
    }


def _decision(call: Call, document: Mapping[str, JsonValue]) -> str | None:
    decision = call.text(document, "decision")
    if decision is not None and decision not in DECISIONS:
        raise call.bad_parameter("decision")
    return decision


def _actions(call: Call, document: Mapping[str, JsonValue]) -> tuple[str, ...] | None:
    """Kept as given; one element may itself say `Pub|Sub`, and case does not matter."""
    actions = call.texts(document, "actions")
    allowed = ACTIONS[call.required_text(document, "resourceType")]
    words = {word.lower() for action in actions or () for word in action.split("|")}
    if not words <= allowed:
        raise call.bad_parameter("actions")
    return actions


def _networks(call: Call, document: Mapping[str, JsonValue]) -> tuple[str, ...] | None:
    networks = call.texts(document, "ipWhitelists")
    for network in networks or ():
        if not _is_network(network):
            raise call.bad_parameter("ipWhitelists")
    return networks


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _present(value: Value | None, *, name: str) -> Value:
    if not value:
        raise missing(name)
    return value


def _rule(call: Call, *, instance: MqInstance, selector: Mapping[str, str]) -> MqRule:
    wanted = (selector["username"], selector["resource_type"], selector["resource_name"])
    for rule in instance.rules:
        if rule.key == wanted:
            return rule
    raise call.refusal(call.live.settings.codes.no_rule, "The instance ACL does not exist.")


def _demand_resource(call: Call, *, instance: MqInstance, rule: MqRule) -> None:
    """The vendor does not say whether it looks; a world may say that it does not."""
    if not call.live.settings.acl_checks_resources:
        return
    codes = call.live.settings.codes
    if rule.resource_type == "Topic":
        if all(topic.name != rule.resource_name for topic in instance.topics):
            raise call.refusal(codes.no_topic, "The topic cannot be found.")
    elif all(group.name != rule.resource_name for group in instance.groups):
        raise call.refusal(codes.no_group, "The consumer group cannot be found.")


def _shown(rule: MqRule, *, instance: MqInstance, acl_type: str) -> dict[str, JsonValue]:
    return {
        "regionId": instance.region,
        "instanceId": instance.id,
        "aclType": acl_type,
        "username": rule.username,
        "resourceType": rule.resource_type,
        "resourceName": rule.resource_name,
        "decision": rule.decision,
        "actions": list(rule.actions),
        "ipWhitelists": list(rule.ip_whitelists),
    }


def _with_rules(instance: MqInstance, rules: tuple[MqRule, ...]) -> MqInstance:
    return instance.model_copy(update={"rules": rules})
