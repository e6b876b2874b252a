# Roles of the functions: what keylease calls, for named instances, and nothing else.

locals {
  account = data.alicloud_account.this.id

  rocketmq = [for id in var.rocketmq_instances : "acs:rocketmq:${var.region}:${local.account}:instance/${id}"]
  redis    = [for id in var.redis_instances : "acs:kvstore:${var.region}:${local.account}:instance/${id}"]

  # The same statements as ../ram/keylease-policy.json, which a test derives from the code.
  actions = jsondecode(file("${path.module}/../ram/keylease-policy.json")).Statement

  # At most fifty instances to a statement; none at all makes none.
  statements = concat(
    [for arns in chunklist(local.rocketmq, 50) : {
      Effect   = "Allow"
      Action   = local.actions[0].Action
      Resource = concat(arns, [for arn in arns : "${arn}/*"])
    }],
    [for arns in chunklist(local.redis, 50) : {
      Effect   = "Allow"
      Action   = local.actions[1].Action
      Resource = arns
    }],
  )

  network = [{
    Effect = "Allow"
    Action = [
      "vpc:DescribeVSwitchAttributes",
      "vpc:DescribeVpcAttribute",
      "ecs:CreateNetworkInterface",
      "ecs:DeleteNetworkInterface",
      "ecs:DescribeNetworkInterfaces",
      "ecs:CreateNetworkInterfacePermission",
      "ecs:DescribeNetworkInterfacePermissions",
      "ecs:DeleteNetworkInterfacePermission",
    ]
    Resource = "*" # Function Compute makes the interfaces; these actions know no narrower resource
  }]

  said = [{
    Effect   = "Allow"
    Action   = "eventbridge:PutEvents" # result events, and hints
    Resource = "acs:eventbridge:${var.region}:${local.account}:eventbus/${alicloud_event_bridge_event_bus.this.event_bus_name}"
    }, {
    Effect   = "Allow"
    Action   = "log:PostLogStoreLogs"
    Resource = "acs:log:${var.region}:${local.account}:project/${alicloud_log_project.functions.project_name}/logstore/${alicloud_log_store.functions.logstore_name}"
  }]

  dead_letters = [{
    Effect   = "Allow"
    Action   = "mns:SendMessage" # failed asynchronous invocations
    Resource = "acs:mns:${var.region}:${local.account}:/queues/${alicloud_message_service_queue.dead_letters.queue_name}/messages"
    }, {
    Effect   = "Allow"
    Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
    Resource = alicloud_kms_key.queues.arn
  }]

  trusted = jsonencode({
    Version = "1"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = ["fc.aliyuncs.com"] }
    }]
  })
}

resource "alicloud_ram_role" "functions" {
  role_name                   = "${var.name}-functions"
  description                 = "keylease's functions that deliver what waits"
  max_session_duration        = 3600
  assume_role_policy_document = local.trusted
}

resource "alicloud_ram_policy" "functions" {
  policy_name     = "${var.name}-functions"
  description     = "What keylease calls"
  policy_document = jsonencode({ Version = "1", Statement = concat(local.statements, local.network, local.said, local.dead_letters) })
  rotate_strategy = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
}

resource "alicloud_ram_role_policy_attachment" "functions" {
  policy_name = alicloud_ram_policy.functions.policy_name
  policy_type = "Custom"
  role_name   = alicloud_ram_role.functions.role_name
}

# What anybody may call has no right on any target.

resource "alicloud_ram_role" "entrances" {
  role_name                   = "${var.name}-entrances"
  description                 = "keylease's functions that answer HTTP"
  max_session_duration        = 3600
  assume_role_policy_document = local.trusted
}

resource "alicloud_ram_policy" "entrances" {
  policy_name     = "${var.name}-entrances"
  description     = "What keylease's entrances call"
  policy_document = jsonencode({ Version = "1", Statement = concat(local.network, local.said) })
  rotate_strategy = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
}

resource "alicloud_ram_role_policy_attachment" "entrances" {
  policy_name = alicloud_ram_policy.entrances.policy_name
  policy_type = "Custom"
  role_name   = alicloud_ram_role.entrances.role_name
}

resource "alicloud_security_group" "functions" {
  security_group_name = "${var.name}-functions"
  description         = "keylease's functions: nothing comes in"
  vpc_id              = var.vpc_id
}

resource "alicloud_security_group_rule" "database" {
  type                     = "ingress"
  description              = "keylease's functions"
  ip_protocol              = "tcp"
  port_range               = "${var.database_port}/${var.database_port}"
  security_group_id        = var.database_security_group_id
  source_security_group_id = alicloud_security_group.functions.id
}
