variable "trusted_role_arn" {
  description = "Who may take the role: role_arn of the function's module, or that of a person or job."
  type        = string
}

variable "external_id" {
  description = "Agreed between both sides, the configuration's external_id: nobody else who may ask the source account for favours gets this role by it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]{2,1224}$", var.external_id))
    error_message = "external_id has 2 to 1224 letters, digits and _+=,.@:/-."
  }
}

variable "name" {
  description = "Name of the role."
  type        = string
  default     = "understudy"
}

variable "parameters" {
  description = "Names of the copies that the role may read and write, as IAM patterns: /prod/app/*. With renames what they are called here."
  type        = list(string)

  validation {
    condition     = length(var.parameters) > 0
    error_message = "parameters must name something: a role for every parameter is asked for by [\"*\"]."
  }
}

variable "destination_regions" {
  description = "The Regions that are written to."
  type        = list(string)

  validation {
    condition     = length(var.destination_regions) > 0
    error_message = "destination_regions must name a Region."
  }
}

variable "destination_key_arns" {
  description = "ARNs of the customer managed keys that copies are under."
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

variable "tags" {
  description = "Tags of all that is made."
  type        = map(string)
  default     = {}
}
