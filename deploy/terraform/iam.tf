# The function's role. What stands here of parameters and keys is held to `understudy policy` by
# tests/integration/test_deploy.py.

locals {
  own_statements = length(var.policy_documents) == 0
  writes_here    = local.own_statements && var.destination_role_arn == ""

  source_arns = [
    for name in var.parameters :
    "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter/${trimprefix(name, "/")}"
  ]

  destination_arns = [
    for pair in setproduct(
      var.destination_regions,
      length(var.destination_parameters) > 0 ? var.destination_parameters : var.parameters,
    ) :
    "arn:${local.partition}:ssm:${pair[0]}:${local.account}:parameter/${trimprefix(pair[1], "/")}"
  ]
}

resource "aws_iam_role" "function" {
  name_prefix          = "${var.name}-"
  description          = "The understudy function"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

data "aws_iam_policy_document" "run" {
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }

  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed.arn]
  }

  dynamic "statement" {
    for_each = aws_sqs_queue.events

    content {
      sid       = "Queue"
      actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
      resources = [statement.value.arn]
    }
  }

  dynamic "statement" {
    for_each = var.configuration_parameter == "" ? [] : [trimprefix(var.configuration_parameter, "/")]

    content {
      sid     = "Configuration"
      actions = ["ssm:GetParameters"]

      resources = [
        "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter/${statement.value}",
      ]
    }
  }

  dynamic "statement" {
    for_each = var.canary_parameter == "" ? [] : [trimprefix(var.canary_parameter, "/")]

    content {
      sid     = "Canary"
      actions = ["ssm:PutParameter"]

      resources = [
        "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter/${statement.value}",
      ]
    }
  }

  dynamic "statement" {
    for_each = var.destination_role_arn == "" ? [] : [var.destination_role_arn]

    content {
      sid       = "TakeRoles"
      actions   = ["sts:AssumeRole", "sts:TagSession"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.encryption_key_arn == null ? [] : [var.encryption_key_arn]

    content {
      sid       = "OwnKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"

        values = [
          "sqs.${local.region}.${local.dns_suffix}",
          "lambda.${local.region}.${local.dns_suffix}",
        ]
      }
    }
  }

  # Lambda makes them with the function's role; AWS takes no resource here.
  dynamic "statement" {
    for_each = length(var.subnet_ids) > 0 ? [true] : []

    content {
      sid = "Interfaces"

      actions = [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
      ]

      resources = ["*"]
    }
  }
}

resource "aws_iam_role_policy" "run" {
  name   = "run"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.run.json
}

data "aws_iam_policy_document" "source" {
  statement {
    sid       = "List"
    actions   = ["ssm:DescribeParameters", "tag:GetResources", "kms:ListAliases"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [local.region]
    }
  }

  statement {
    sid       = "Read"
    resources = local.source_arns

    actions = concat(
      ["ssm:GetParameters", "ssm:ListTagsForResource"],
      var.history || var.labels ? ["ssm:GetParameterHistory"] : [],
    )
  }

  dynamic "statement" {
    for_each = length(var.source_key_arns) > 0 ? [true] : []

    content {
      sid       = "Keys"
      actions   = ["kms:Decrypt"]
      resources = var.source_key_arns

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["ssm.${local.region}.${local.dns_suffix}"]
      }

      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:PARAMETER_ARN"
        values   = local.source_arns
      }
    }
  }
}

resource "aws_iam_role_policy" "source" {
  count = local.own_statements ? 1 : 0

  name   = "source"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.source.json
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
  count = local.writes_here ? 1 : 0

  name   = "destination"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.destination.json
}

resource "aws_iam_role_policy" "given" {
  count = length(var.policy_documents)

  name   = "given-${count.index}"
  role   = aws_iam_role.function.id
  policy = var.policy_documents[count.index]
}
