# The provider of a custom resource of CloudFormation that keeps replicas of multi-Region KMS keys.
# The same as ../../cloudformation/kms-replication.yaml; docs/kms-custom-resource.md explains it.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  keys    = "arn:${data.aws_partition.current.partition}:kms:*:${data.aws_caller_identity.current.account_id}:key"
  aliases = "arn:${data.aws_partition.current.partition}:kms:*:${data.aws_caller_identity.current.account_id}:alias"
}

resource "aws_cloudwatch_log_group" "function" {
  name_prefix       = "/understudy/kms-replication-"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name_prefix          = "understudy-kms-"
  description          = "The understudy function that replicates KMS keys"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

data "aws_iam_policy_document" "keys" {
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }

  statement {
    sid       = "Look"
    actions   = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListResourceTags"]
    resources = ["${local.keys}/*"]
  }

  statement {
    sid       = "ListAliases"
    actions   = ["kms:ListAliases"]
    resources = ["*"]
  }

  statement {
    sid       = "Replicate"
    actions   = ["kms:ReplicateKey"]
    resources = ["${local.keys}/mrk-*"]

    condition {
      test     = "StringEquals"
      variable = "kms:ReplicaRegion"
      values   = var.replica_regions
    }
  }

  # Asked for in the replica's Region while it is made; AWS takes no key here.
  statement {
    sid       = "Create"
    actions   = ["kms:CreateKey"]
    resources = ["*"]
  }

  statement {
    sid       = "Set"
    resources = ["${local.keys}/mrk-*"]

    actions = [
      "kms:TagResource",
      "kms:UntagResource",
      "kms:PutKeyPolicy",
      "kms:UpdateKeyDescription",
      "kms:EnableKey",
      "kms:DisableKey",
      "kms:CancelKeyDeletion",
      "kms:CreateAlias",
      "kms:UpdateAlias",
      "kms:DeleteAlias",
    ]

    condition {
      test     = "StringEquals"
      variable = "kms:MultiRegionKeyType"
      values   = ["REPLICA"]
    }
  }

  # Tags come with it, when it has no id of its own yet.
  statement {
    sid       = "SetNew"
    actions   = ["kms:TagResource"]
    resources = ["${local.keys}/*"]

    condition {
      test     = "StringLike"
      variable = "aws:RequestTag/understudy:stack-resource"
      values   = ["*"]
    }
  }

  statement {
    sid       = "Aliases"
    actions   = ["kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"]
    resources = ["${local.aliases}/*"]
  }

  dynamic "statement" {
    for_each = var.removal ? [true] : []

    content {
      sid       = "Remove"
      actions   = ["kms:ScheduleKeyDeletion"]
      resources = ["${local.keys}/mrk-*"]

      condition {
        test     = "StringEquals"
        variable = "kms:MultiRegionKeyType"
        values   = ["REPLICA"]
      }

      condition {
        test     = "StringLike"
        variable = "aws:ResourceTag/understudy:stack-resource"
        values   = ["*"]
      }
    }
  }
}

resource "aws_iam_role_policy" "keys" {
  name   = "keys"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.keys.json
}

resource "aws_lambda_function" "function" {
  function_name    = var.function_name
  description      = "Keeps replicas of KMS keys for stacks (understudy)"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  role             = aws_iam_role.function.arn
  memory_size      = var.memory_mb
  timeout          = var.timeout_seconds
  tags             = var.tags

  environment {
    variables = var.max_workers == null ? {} : { MAX_WORKERS = tostring(var.max_workers) }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function.name
  }

  depends_on = [aws_iam_role_policy.keys]
}

resource "aws_lambda_function_event_invoke_config" "function" {
  function_name                = aws_lambda_function.function.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 3600
}
