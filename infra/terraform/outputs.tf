output "environment" {
  description = "What ../s.yaml asks for, as environment variables of the deploying shell."

  value = {
    KEYLEASE_NAME           = var.name
    KEYLEASE_REGION         = var.region
    KEYLEASE_ACCOUNT        = local.account
    KEYLEASE_VPC            = var.vpc_id
    KEYLEASE_VSWITCH_1      = var.vswitch_ids[0]
    KEYLEASE_VSWITCH_2      = var.vswitch_ids[1]
    KEYLEASE_SECURITY_GROUP = alicloud_security_group.functions.id
    KEYLEASE_LOG_PROJECT    = alicloud_log_project.functions.project_name
    KEYLEASE_LOG_STORE      = alicloud_log_store.functions.logstore_name
    KEYLEASE_ROLE           = alicloud_ram_role.functions.arn
    KEYLEASE_ENTRANCE_ROLE  = alicloud_ram_role.entrances.arn
    KEYLEASE_EVENT_BUS      = alicloud_event_bridge_event_bus.this.event_bus_name
    KEYLEASE_PUBLIC_URL     = var.public_url
    KEYLEASE_DOMAIN         = trimprefix(var.public_url, "https://")
  }
}
