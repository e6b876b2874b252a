# Requests come over the bus into a queue; the functions' trigger reads the queue (see ../s.yaml).
# A custom bus has no limit of ten rules, as the default bus has.

resource "alicloud_event_bridge_event_bus" "this" {
  event_bus_name = var.name
  description    = "Access requests in, result events out."
}

resource "alicloud_message_service_queue" "requests" {
  queue_name               = "${var.name}-requests"
  message_retention_period = var.queue_retention_seconds
  visibility_timeout       = 120 # longer than a function may run (60 s), or a message is read twice
  polling_wait_seconds     = 20
  maximum_message_size     = 65536
  enable_sse               = true
  sse_type                 = "KMS"
  kms_key_id               = alicloud_kms_key.queues.id

  dlq_policy {
    enabled                  = true
    dead_letter_target_queue = alicloud_message_service_queue.dead_letters.queue_name
    max_receive_count        = 16
  }
}

resource "alicloud_message_service_queue" "dead_letters" {
  queue_name               = "${var.name}-dead-letters"
  message_retention_period = var.dead_letter_retention_seconds
  maximum_message_size     = 65536
  enable_sse               = true
  sse_type                 = "KMS"
  kms_key_id               = alicloud_kms_key.queues.id
}

resource "alicloud_event_bridge_rule" "requests" {
  event_bus_name = alicloud_event_bridge_event_bus.this.event_bus_name
  rule_name      = "${var.name}-requests"
  description    = "Access requests into the queue that the functions read."
  filter_pattern = jsonencode({
    type   = [{ prefix = "io.keylease.access." }]
    source = var.request_sources
  })

  targets {
    target_id           = "queue"
    type                = "acs.mns.queue"
    endpoint            = "acs:mns:${var.region}:${data.alicloud_account.this.id}:queues/${alicloud_message_service_queue.requests.queue_name}"
    push_retry_strategy = "EXPONENTIAL_DECAY_RETRY" # 176 tries over a day, before the dead letters

    dead_letter_queue {
      arn = "acs:mns:${var.region}:${data.alicloud_account.this.id}:/queues/${alicloud_message_service_queue.dead_letters.queue_name}"
    }

    param_list {
      resource_key = "queue"
      form         = "CONSTANT"
      value        = alicloud_message_service_queue.requests.queue_name
    }

    param_list {
      resource_key = "Body"
      form         = "ORIGINAL" # the whole CloudEvent: its id is what makes receiving once
    }

    param_list {
      resource_key = "IsBase64Encode"
      form         = "CONSTANT"
      value        = "true"
    }
  }
}

# Result events and hints come back in, to the functions that consume them: a rule and a queue for each.
# The store knows all of it, so what is not read in an hour is not needed: the timer has delivered it.

locals {
  told = jsondecode(file("${path.module}/events.json")) # held to the code by ../fc_queues.py
}

resource "alicloud_message_service_queue" "events" {
  for_each = local.told

  queue_name               = "${var.name}-${each.key}"
  message_retention_period = 3600
  visibility_timeout       = 120 # as above
  polling_wait_seconds     = 20
  maximum_message_size     = 65536
  enable_sse               = true
  sse_type                 = "KMS"
  kms_key_id               = alicloud_kms_key.queues.id
}

resource "alicloud_event_bridge_rule" "events" {
  for_each = local.told

  event_bus_name = alicloud_event_bridge_event_bus.this.event_bus_name
  rule_name      = "${var.name}-${each.key}"
  description    = "Events of this installation into the queue of ${each.key}."
  filter_pattern = jsonencode({
    type   = each.value
    source = [var.public_url] # others may share the bus
  })

  targets {
    target_id           = "queue"
    type                = "acs.mns.queue"
    endpoint            = "acs:mns:${var.region}:${data.alicloud_account.this.id}:queues/${alicloud_message_service_queue.events[each.key].queue_name}"
    push_retry_strategy = "BACKOFF_RETRY" # 3 tries, and no dead letters: see above

    param_list {
      resource_key = "queue"
      form         = "CONSTANT"
      value        = alicloud_message_service_queue.events[each.key].queue_name
    }

    param_list {
      resource_key = "Body"
      form         = "ORIGINAL"
    }

    param_list {
      resource_key = "IsBase64Encode"
      form         = "CONSTANT"
      value        = "true"
    }
  }
}

resource "alicloud_kms_key" "queues" {
  description            = "${var.name}: encrypts the queues at rest"
  key_usage              = "ENCRYPT/DECRYPT"
  automatic_rotation     = "Enabled"
  rotation_interval      = var.key_rotation_interval
  pending_window_in_days = 30 # a key that was deleted by mistake can be had back for a month
  deletion_protection    = "Enabled"
}

resource "alicloud_kms_alias" "queues" {
  alias_name = "alias/${var.name}-queues"
  key_id     = alicloud_kms_key.queues.id
}
