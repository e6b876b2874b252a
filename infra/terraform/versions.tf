# Bus, rule, queues, roles and key for keylease on Function Compute.
# The functions and their triggers are in ../s.yaml. Argument names follow provider 1.2xx.

terraform {
  required_version = ">= 1.5"

  required_providers {
    alicloud = {
      source  = "aliyun/alicloud"
      version = ">= 1.240.0"
    }
  }
}

provider "alicloud" {
  region = var.region
}

data "alicloud_account" "this" {}
