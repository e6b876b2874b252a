"""What a client reads to check a RocketMQ target: the instance, its topics and its groups."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from keylease.emulator.call import Call
from keylease.emulator.envelope import Payload
from keylease.emulator.rocketmq.instances import (
    instance_of,
    paged,
    path_value,
    usable_instance,
)
from keylease.emulator.world import ConsumerGroup, MqInstance, Topic

CREATED_AT = "2026-01-01 00:00:00"
SMALLEST_GROUP_PAGE = 10


def get_instance(call: Call) -> Payload:
    instance = instance_of(call)
    return {
        "data": {
            **_description(instance),
            "aclInfo": {
                "aclType": instance.acl_types[0] if instance.acl_types else "",
                "aclTypes": list(instance.acl_types),
                "defaultVpcAuthFree": instance.default_vpc_auth_free,
            },
            "accountInfo": {"username": instance.accounts[0].username},
            "networkInfo": _network(instance),
            "instanceQuotas": [
                _quota("TOPIC_COUNT", used=len(instance.topics), total=1000),
                _quota("GROUP_COUNT", used=len(instance.groups), total=1000),
                _quota("ACCOUNT_COUNT", used=len(instance.accounts), total=instance.account_limit),
            ],
        }
    }


def list_topics(call: Call) -> Payload:
    instance = usable_instance(call)
    wanted = call.parameters.get("filter", "")
    types = [word for word in call.parameters.get("messageTypes", "").split(",") if word]
    rows: list[JsonValue] = [
        _topic(topic, instance=instance)
        for topic in instance.topics
        if wanted in topic.name and (not types or topic.message_type in types)
    ]
    return paged(call, rows)


def get_topic(call: Call) -> Payload:
    instance = usable_instance(call)
    name = path_value(call, "topicName")
    for topic in instance.topics:
        if topic.name == name:
            return {"data": {**_topic(topic, instance=instance), "priority": 0}}
    raise call.refusal(call.live.settings.codes.no_topic, "The topic cannot be found.")


def list_groups(call: Call) -> Payload:
    instance = usable_instance(call)
    wanted = call.parameters.get("filter", "")
    rows: list[JsonValue] = [
        _group(group, instance=instance) for group in instance.groups if wanted in group.name
    ]
    return paged(call, rows, lowest=SMALLEST_GROUP_PAGE)


def get_group(call: Call) -> Payload:
    instance = usable_instance(call)
    name = path_value(call, "consumerGroupId")
    for group in instance.groups:
        if group.name == name:
            return {"data": _group(group, instance=instance)}
    raise call.refusal(call.live.settings.codes.no_group, "The consumer group cannot be found.")


OPERATIONS: Mapping[str, Callable[[Call], Payload]] = {
    "GetInstance": get_instance,
    "ListTopics": list_topics,
    "GetTopic": get_topic,
    "ListConsumerGroups": list_groups,
    "GetConsumerGroup": get_group,
}


def _description(instance: MqInstance) -> dict[str, JsonValue]:
    return {
        "instanceId": instance.id,
        "instanceName": instance.name,
        "regionId": instance.region,
        "status": instance.status,
        "seriesCode": "standard",
        "subSeriesCode": "cluster_ha",
        "paymentType": "PayAsYouGo",
        "serviceCode": "rmq",
        "topicCount": len(instance.topics),
        "groupCount": len(instance.groups),
        "tags": [],
        "createTime": CREATED_AT,
        "startTime": CREATED_AT,
        "updateTime": CREATED_AT,
        "remark": "",
    }


def _network(instance: MqInstance) -> dict[str, JsonValue]:
    return {
        "endpoints": [
            {
                "endpointType": endpoint.kind,
                "endpointUrl": endpoint.url,
                "ipWhitelist": list(endpoint.ip_whitelist),
            }
            for endpoint in instance.endpoints
        ],
        "internetInfo": {"internetSpec": "enable"},
        "vpcInfo": {"vpcId": "vpc-demo0001", "vSwitchId": "vsw-demo0001"},
    }


def _quota(name: str, *, used: int, total: int) -> dict[str, JsonValue]:
    return {
        "quotaName": name,
        "totalCount": total,
        "usedCount": used,
        "freeCount": max(total - used, 0),
    }


def _topic(topic: Topic, *, instance: MqInstance) -> dict[str, JsonValue]:
    return {
        "regionId": instance.region,
        "instanceId": instance.id,
        "topicName": topic.name,
        "messageType": topic.message_type,
        "status": topic.status,
        "remark": topic.remark,
        "maxSendTps": topic.max_send_tps,
        "createTime": CREATED_AT,
        "updateTime": CREATED_AT,
    }


def _group(group: ConsumerGroup, *, instance: MqInstance) -> dict[str, JsonValue]:
    return {
        "regionId": instance.region,
        "instanceId": instance.id,
        "consumerGroupId": group.name,
        "messageModel": group.message_model,
        "status": group.status,
        "remark": group.remark,
        "maxReceiveTps": group.max_receive_tps,
        "createTime": CREATED_AT,
        "updateTime": CREATED_AT,
    }
