variable "region" {
  description = "Region of everything here and of the functions, such as cn-hangzhou."
  type        = string
}

variable "name" {
  description = "First part of every name, so that two installations can stand in one account."
  type        = string
  default     = "keylease"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.name))
    error_message = "name: 3 to 31 lower-case letters, digits and dashes, a letter first."
  }
}

variable "rocketmq_instances" {
  description = "Ids of the RocketMQ 5.x instances that keylease may manage: those of the catalog, no more."
  type        = set(string)
  default     = []
}

variable "redis_instances" {
  description = "Ids of the Redis/Tair instances that keylease may manage: those of the catalog, no more."
  type        = set(string)
  default     = []
}

variable "request_sources" {
  description = "CloudEvents sources that may ask. The rule is a filter, not a proof: the policy decides."
  type        = list(string)
}

variable "public_url" {
  description = "What links start with, as in the settings: https and no slash at the end. Events say it as their source."
  type        = string

  validation {
    condition     = can(regex("^https://[^/]+$", var.public_url))
    error_message = "public_url: write it like https://keylease.example.com."
  }
}

variable "log_retention_days" {
  description = "How long the functions' log lines are kept: 1 to 3650. The audit is in the store, not here."
  type        = number
  default     = 30
}

variable "vpc_id" {
  description = "VPC in which PostgreSQL (RDS) and private endpoints of the instances are reached."
  type        = string
}

variable "vswitch_ids" {
  description = "vSwitches for the functions' network interfaces, in two zones."
  type        = list(string)

  validation {
    condition     = can(var.vswitch_ids[1])
    error_message = "vswitch_ids: name two, in different zones, or one zone's fault stops revocation."
  }
}

variable "database_security_group_id" {
  description = "Security group of the RDS PostgreSQL instance; the functions' group is let in on its port."
  type        = string
}

variable "database_port" {
  description = "Port of the RDS PostgreSQL instance."
  type        = number
  default     = 5432
}

variable "queue_retention_seconds" {
  description = "How long an unread request is kept in the queue: 60 to 604800."
  type        = number
  default     = 345600
}

variable "dead_letter_retention_seconds" {
  description = "The same for what could not be processed; long enough for a long weekend."
  type        = number
  default     = 604800
}

variable "key_rotation_interval" {
  description = "How often KMS renews the key that encrypts the queues, such as 365d."
  type        = string
  default     = "365d"
}
