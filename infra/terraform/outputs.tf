output "environment" {
  description = "What ../s.yaml asks for, as environment variables of the deploying shell."

  value = {
    DEPLOY_NAME           = var.name
    DEPLOY_REGION         = var.region
    DEPLOY_ACCOUNT        = local.account
    DEPLOY_VPC            = var.vpc_id
    DEPLOY_VSWITCH_1      = var.vswitch_ids[0]
    DEPLOY_VSWITCH_2      = var.vswitch_ids[1]
    DEPLOY_SECURITY_GROUP = alicloud_security_group.functions.id
    DEPLOY_PUBLIC_URL     = var.public_url
  }
}
