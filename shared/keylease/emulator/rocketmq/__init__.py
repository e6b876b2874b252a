"""RocketMQ 2022-08-01: what each method and path does."""

from keylease.emulator.call import Operation
from keylease.emulator.rocketmq import accounts, acls, targets

VERSION = "2022-08-01"


def _operation(name: str, method: str, template: str) -> Operation:
    run = {**accounts.OPERATIONS, **acls.OPERATIONS, **targets.OPERATIONS}[name]
    return Operation(name=name, run=run, method=method, template=tuple(template.split("/")))


OPERATIONS: tuple[Operation, ...] = (
    _operation("CreateInstanceAccount", "POST", "instances/{instanceId}/accounts"),
    _operation("GetInstanceAccount", "GET", "instances/{instanceId}/account"),
    _operation("ListInstanceAccount", "GET", "instances/{instanceId}/accounts"),
    _operation("UpdateInstanceAccount", "PATCH", "instances/{instanceId}/accounts/{username}"),
    _operation("DeleteInstanceAccount", "DELETE", "instances/{instanceId}/accounts/{username}"),
    _operation("CreateInstanceAcl", "POST", "instances/{instanceId}/acl/account/{username}"),
    _operation("GetInstanceAcl", "GET", "instances/{instanceId}/acl/account/{username}"),
    _operation("UpdateInstanceAcl", "PATCH", "instances/{instanceId}/acl/account/{username}"),
    _operation("DeleteInstanceAcl", "DELETE", "instances/{instanceId}/acl/account/{username}"),
    _operation("ListInstanceAcl", "GET", "instances/{instanceId}/acl"),
    _operation("GetInstance", "GET", "instances/{instanceId}"),
    _operation("ListTopics", "GET", "instances/{instanceId}/topics"),
    _operation("GetTopic", "GET", "instances/{instanceId}/topics/{topicName}"),
    _operation("ListConsumerGroups", "GET", "instances/{instanceId}/consumerGroups"),
    _operation(
        "GetConsumerGroup", "GET", "instances/{instanceId}/consumerGroups/{consumerGroupId}"
    ),
)
