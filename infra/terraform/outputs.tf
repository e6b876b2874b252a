# What ../s.yaml asks for, as environment variables of the deploying shell.

output "role" {
  description = "KEYLEASE_ROLE: the functions' role."
  value       = alicloud_ram_role.functions.arn
}

output "vpc_id" {
  description = "KEYLEASE_VPC."
  value       = var.vpc_id
}

output "vswitch_ids" {
  description = "KEYLEASE_VSWITCHES."
  value       = var.vswitch_ids
}

output "security_group_id" {
  description = "KEYLEASE_SECURITY_GROUP."
  value       = alicloud_security_group.functions.id
}

output "requests_queue" {
  description = "KEYLEASE_REQUESTS_QUEUE: what the trigger `requests` reads."
  value       = alicloud_message_service_queue.requests.queue_name
}

output "dead_letters_queue" {
  description = "KEYLEASE_DEAD_LETTERS_QUEUE."
  value       = alicloud_message_service_queue.dead_letters.queue_name
}

output "event_bus" {
  description = "KEYLEASE_EVENT_BUS: for the EventBridge sink."
  value       = alicloud_event_bridge_event_bus.this.event_bus_name
}
