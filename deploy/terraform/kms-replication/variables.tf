variable "package" {
  description = "Path of understudy-lambda.zip (make lambda)."
  type        = string
}

variable "architecture" {
  description = "What the package was built for: x86_64 or arm64."
  type        = string
  default     = "x86_64"
}

variable "function_name" {
  description = "Name of the function; one a Region and account."
  type        = string
  default     = "understudy-kms-replication"
}

variable "replica_regions" {
  description = "The Regions that stacks may replicate keys to."
  type        = list(string)
}

variable "removal" {
  description = "Replicas that stacks made may be scheduled for deletion (OnRemove must say so too)."
  type        = bool
  default     = false
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, where the account asks for one."
  type        = string
  default     = null
}

variable "max_workers" {
  description = "Regions that are worked on at once, 1 to 64; null means 16."
  type        = number
  default     = null

  validation {
    condition     = var.max_workers == null || try(var.max_workers >= 1 && var.max_workers <= 64, false)
    error_message = "The number of workers must be from 1 to 64."
  }
}

variable "memory_mb" {
  description = "Memory of the function; processor time grows with it."
  type        = number
  default     = 256
}

variable "timeout_seconds" {
  description = "Time for one request; a replica takes seconds to become usable."
  type        = number
  default     = 300
}

variable "log_retention_days" {
  description = "How long log lines are kept."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags of all that is made."
  type        = map(string)
  default     = {}
}
