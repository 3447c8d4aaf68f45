# --- the package ---

variable "package" {
  description = "Path of understudy-lambda.zip, as `make lambda` builds it."
  type        = string
}

variable "architecture" {
  description = "What the package was built for: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture is x86_64 or arm64."
  }
}

# --- what is replicated ---

variable "configuration" {
  description = "understudy.yaml as text, such as file(\"understudy.yaml\"), at most 4 KB. Empty: configuration_parameter, or a file in the package."
  type        = string
  default     = ""
}

variable "configuration_parameter" {
  description = "Name of the parameter, with its leading slash, that holds understudy.yaml. Empty: configuration, or a file in the package."
  type        = string
  default     = ""
}

variable "dry_run" {
  description = "Events are looked at and what would be written is logged; nothing is written."
  type        = bool
  default     = false
}

variable "parameters" {
  description = "Names that the roles may read and write, as IAM patterns: /prod/app/*. The same on both sides; with renames see destination_parameters."
  type        = list(string)

  validation {
    condition     = length(var.parameters) > 0
    error_message = "parameters must name something: a role for every parameter is asked for by [\"*\"]."
  }
}

variable "destination_parameters" {
  description = "What the copies are called, where the configuration renames. Empty: as parameters."
  type        = list(string)
  default     = []
}

variable "destination_regions" {
  description = "The Regions that are written to."
  type        = list(string)

  validation {
    condition     = length(var.destination_regions) > 0
    error_message = "destination_regions must name a Region."
  }
}

# --- who may do it ---

variable "destination_role_arn" {
  description = "Role to take for writing, made by the module destination-role in the other account; the configuration names it too. Empty: the function's own role writes, in this account."
  type        = string
  default     = ""
}

variable "source_key_arns" {
  description = "ARNs of the customer managed keys that parameters are under. AWS's own key (alias/aws/ssm) needs no mention."
  type        = list(string)
  default     = []
}

variable "destination_key_arns" {
  description = "ARNs of the customer managed keys that copies are under. Not used with destination_role_arn."
  type        = list(string)
  default     = []
}

variable "deletes" {
  description = "The role may delete copies; the configuration's `deletes` must say so too."
  type        = bool
  default     = false
}

variable "labels" {
  description = "The role may move labels (`labels: true`)."
  type        = bool
  default     = false
}

variable "history" {
  description = "The role may read earlier versions (`history`; `labels` needs it too)."
  type        = bool
  default     = false
}

variable "policy_documents" {
  description = "Policies (JSON) in place of the module's statements on parameters and keys, as `understudy policy` prints them. Empty: the module's own."
  type        = list(string)
  default     = []
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, where the account asks for one."
  type        = string
  default     = null
}

# --- how it is called ---

variable "name" {
  description = "Name of the function; queues, rules and alarms are named after it."
  type        = string
  default     = "understudy"
}

variable "queue" {
  description = "true: events wait in SQS, bursts are handled in batches, what failed comes again. false: EventBridge invokes the function, which has two retries."
  type        = bool
  default     = true
}

variable "watch_keys" {
  description = "Events of KMS keys come too, for a configuration with kms_keys; it needs a trail, and policies that `understudy policy` printed (policy_documents)."
  type        = bool
  default     = false
}

variable "reconcile_schedule" {
  description = "When a full pass runs (an EventBridge schedule expression)."
  type        = string
  default     = "rate(1 hour)"
}

variable "canary_parameter" {
  description = "Name, with its leading slash and among parameters, of a parameter that the function writes to measure how far behind the copies are. Empty: none is written."
  type        = string
  default     = ""
}

variable "canary_schedule" {
  description = "When it is written, with canary_parameter (an EventBridge schedule expression)."
  type        = string
  default     = "rate(5 minutes)"
}

variable "memory_mb" {
  description = "Memory of the function; processor time grows with it."
  type        = number
  default     = 256
}

variable "timeout_seconds" {
  description = "Time for one invocation. A full pass that does not fit ends in time and goes on at the next."
  type        = number
  default     = 300
}

variable "visibility_seconds" {
  description = "After so long the queue gives out again what failed. At least timeout_seconds; six times that is what AWS advises."
  type        = number
  default     = 360
}

variable "concurrency" {
  description = "At most so many batches at once, at least 2. The quotas of Parameter Store are what bounds the work."
  type        = number
  default     = 2
}

variable "subnet_ids" {
  description = "Subnets to run in, which must reach the services' endpoints. Empty: no VPC."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups, with subnet_ids."
  type        = list(string)
  default     = []
}

variable "encryption_key_arn" {
  description = "Customer managed key for queues, log group and environment. Its policy must let events.amazonaws.com and logs.REGION.amazonaws.com use it. Null: AWS's own keys."
  type        = string
  default     = null
}

# --- what is told ---

variable "alarm_topic_arns" {
  description = "SNS topics for alarms. Empty: alarms only change their state."
  type        = list(string)
  default     = []
}

variable "lag_alarm_milliseconds" {
  description = "Alarm when the 99th percentile of the time from a change to its acknowledged copy is above."
  type        = number
  default     = 60000
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
