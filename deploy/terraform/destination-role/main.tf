# The role that understudy takes in another account to write copies there. One serves all
# destination Regions of that account: IAM is global. ../../README.md explains it.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account    = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  dns_suffix = data.aws_partition.current.dns_suffix

  own_statements = length(var.policy_documents) == 0

  destination_arns = [
    for pair in setproduct(var.destination_regions, var.parameters) :
    "arn:${local.partition}:ssm:${pair[0]}:${local.account}:parameter/${trimprefix(pair[1], "/")}"
  ]
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "Source"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = [var.trusted_role_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }

  # Of the session, where the configuration gives session_tags.
  statement {
    sid     = "Tags"
    actions = ["sts:TagSession"]

    principals {
      type        = "AWS"
      identifiers = [var.trusted_role_arn]
    }
  }
}

resource "aws_iam_role" "destination" {
  name                 = var.name
  description          = "understudy writes copies of parameters with it"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

data "aws_iam_policy_document" "destination" {
  statement {
    sid       = "List"
    actions   = ["ssm:DescribeParameters", "tag:GetResources", "kms:ListAliases", "kms:DescribeKey"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = var.destination_regions
    }
  }

  statement {
    sid       = "Read"
    resources = local.destination_arns

    actions = concat(
      ["ssm:GetParameters", "ssm:ListTagsForResource"],
      var.history || var.labels ? ["ssm:GetParameterHistory"] : [],
    )
  }

  statement {
    sid       = "Write"
    resources = local.destination_arns

    actions = concat(
      ["ssm:PutParameter", "ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"],
      var.deletes ? ["ssm:DeleteParameters"] : [],
      var.labels ? ["ssm:LabelParameterVersion", "ssm:UnlabelParameterVersion"] : [],
    )
  }

  dynamic "statement" {
    for_each = length(var.destination_key_arns) > 0 ? [true] : []

    content {
      sid       = "Keys"
      actions   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      resources = var.destination_key_arns

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = [for region in var.destination_regions : "ssm.${region}.${local.dns_suffix}"]
      }

      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:PARAMETER_ARN"
        values   = local.destination_arns
      }
    }
  }
}

resource "aws_iam_role_policy" "destination" {
  count = local.own_statements ? 1 : 0

  name   = "destination"
  role   = aws_iam_role.destination.id
  policy = data.aws_iam_policy_document.destination.json
}

resource "aws_iam_role_policy" "given" {
  count = length(var.policy_documents)

  name   = "given-${count.index}"
  role   = aws_iam_role.destination.id
  policy = var.policy_documents[count.index]
}
