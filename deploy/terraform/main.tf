# understudy as an AWS Lambda function, in the source Region: parameters that change are replicated
# within seconds, and a scheduled full pass finds what no event told. ../README.md explains it.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account    = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  dns_suffix = data.aws_partition.current.dns_suffix
  region     = data.aws_region.current.name

  environment = merge(
    var.configuration == "" ? {} : { UNDERSTUDY_CONFIG = var.configuration },
    var.configuration_parameter == "" ? {} : {
      UNDERSTUDY_CONFIG_PARAMETER = var.configuration_parameter
    },
    var.canary_parameter == "" ? {} : { UNDERSTUDY_CANARY = var.canary_parameter },
    var.dry_run ? { DRY_RUN = "true" } : {},
  )
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.encryption_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "function" {
  function_name    = var.name
  description      = "Replicates parameters to other Regions (understudy)"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  role             = aws_iam_role.function.arn
  memory_size      = var.memory_mb
  timeout          = var.timeout_seconds
  kms_key_arn      = var.encryption_key_arn
  tags             = var.tags

  dead_letter_config {
    target_arn = aws_sqs_queue.failed.arn
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function.name
  }

  dynamic "environment" {
    for_each = length(local.environment) > 0 ? [local.environment] : []

    content {
      variables = environment.value
    }
  }

  dynamic "vpc_config" {
    for_each = length(var.subnet_ids) > 0 ? [true] : []

    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = var.configuration == "" || var.configuration_parameter == ""
      error_message = "Give configuration or configuration_parameter, not both."
    }
  }

  depends_on = [aws_iam_role_policy.run]
}

resource "aws_lambda_function_event_invoke_config" "function" {
  function_name                = aws_lambda_function.function.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

# --- queues ---

resource "aws_sqs_queue" "events" {
  count = var.queue ? 1 : 0

  name                       = "${var.name}-events"
  visibility_timeout_seconds = var.visibility_seconds
  message_retention_seconds  = 345600
  kms_master_key_id          = var.encryption_key_arn
  sqs_managed_sse_enabled    = var.encryption_key_arn == null ? true : null
  tags                       = var.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed.arn
    maxReceiveCount     = 5
  })

  lifecycle {
    precondition {
      condition     = var.visibility_seconds >= var.timeout_seconds
      error_message = "visibility_seconds must be at least timeout_seconds."
    }
  }
}

resource "aws_sqs_queue" "failed" {
  name                      = "${var.name}-failed"
  message_retention_seconds = 1209600
  kms_master_key_id         = var.encryption_key_arn
  sqs_managed_sse_enabled   = var.encryption_key_arn == null ? true : null
  tags                      = var.tags
}

data "aws_iam_policy_document" "events_queue" {
  statement {
    sid       = "Events"
    actions   = ["sqs:SendMessage"]
    resources = aws_sqs_queue.events[*].arn

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"

      values = concat(
        [aws_cloudwatch_event_rule.changes.arn],
        aws_cloudwatch_event_rule.key_changes[*].arn,
      )
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

data "aws_iam_policy_document" "failed_queue" {
  statement {
    sid       = "Undeliverable"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"

      values = concat(
        [aws_cloudwatch_event_rule.changes.arn, aws_cloudwatch_event_rule.reconcile.arn],
        aws_cloudwatch_event_rule.canary[*].arn,
        aws_cloudwatch_event_rule.key_changes[*].arn,
      )
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sqs_queue_policy" "events" {
  count = var.queue ? 1 : 0

  queue_url = aws_sqs_queue.events[0].id
  policy    = data.aws_iam_policy_document.events_queue.json
}

resource "aws_sqs_queue_policy" "failed" {
  queue_url = aws_sqs_queue.failed.id
  policy    = data.aws_iam_policy_document.failed_queue.json
}

resource "aws_lambda_event_source_mapping" "events" {
  count = var.queue ? 1 : 0

  function_name                      = aws_lambda_function.function.arn
  event_source_arn                   = aws_sqs_queue.events[0].arn
  batch_size                         = 100
  maximum_batching_window_in_seconds = 1
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.concurrency
  }
}

# --- rules ---

# Parameter Store's own events need no trail. A trail that logs write events adds tags and labels
# that are taken away; without one the full pass finds those.
resource "aws_cloudwatch_event_rule" "changes" {
  name          = "${var.name}-changes"
  description   = "Changes of parameters, for understudy"
  event_pattern = file("${path.module}/pattern.json")
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "changes" {
  rule      = aws_cloudwatch_event_rule.changes.name
  target_id = "understudy"
  arn       = var.queue ? aws_sqs_queue.events[0].arn : aws_lambda_function.function.arn

  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }

  retry_policy {
    maximum_retry_attempts       = 185
    maximum_event_age_in_seconds = 86400
  }
}

resource "aws_lambda_permission" "changes" {
  count = var.queue ? 0 : 1

  statement_id   = "Changes"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.function.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.changes.arn
  source_account = local.account
}

resource "aws_cloudwatch_event_rule" "key_changes" {
  count = var.watch_keys ? 1 : 0

  name          = "${var.name}-key-changes"
  description   = "Changes of KMS keys, for understudy"
  event_pattern = file("${path.module}/pattern-keys.json")
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "key_changes" {
  count = var.watch_keys ? 1 : 0

  rule      = aws_cloudwatch_event_rule.key_changes[0].name
  target_id = "understudy"
  arn       = var.queue ? aws_sqs_queue.events[0].arn : aws_lambda_function.function.arn

  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }

  retry_policy {
    maximum_retry_attempts       = 185
    maximum_event_age_in_seconds = 86400
  }
}

resource "aws_lambda_permission" "key_changes" {
  count = var.watch_keys && !var.queue ? 1 : 0

  statement_id   = "KeyChanges"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.function.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.key_changes[0].arn
  source_account = local.account
}

resource "aws_cloudwatch_event_rule" "reconcile" {
  name                = "${var.name}-reconcile"
  description         = "The full pass of understudy"
  schedule_expression = var.reconcile_schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "reconcile" {
  rule      = aws_cloudwatch_event_rule.reconcile.name
  target_id = "understudy"
  arn       = aws_lambda_function.function.arn
  input     = jsonencode({ understudy = "reconcile" })

  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }

  retry_policy {
    maximum_retry_attempts       = 2
    maximum_event_age_in_seconds = 3600
  }
}

resource "aws_lambda_permission" "reconcile" {
  statement_id   = "Reconcile"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.function.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.reconcile.arn
  source_account = local.account
}

resource "aws_cloudwatch_event_rule" "canary" {
  count = var.canary_parameter == "" ? 0 : 1

  name                = "${var.name}-canary"
  description         = "The canary of understudy"
  schedule_expression = var.canary_schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "canary" {
  count = var.canary_parameter == "" ? 0 : 1

  rule      = aws_cloudwatch_event_rule.canary[0].name
  target_id = "understudy"
  arn       = aws_lambda_function.function.arn
  input     = jsonencode({ understudy = "canary" })

  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }

  retry_policy {
    maximum_retry_attempts       = 0
    maximum_event_age_in_seconds = 300
  }
}

resource "aws_lambda_permission" "canary" {
  count = var.canary_parameter == "" ? 0 : 1

  statement_id   = "Canary"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.function.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.canary[0].arn
  source_account = local.account
}
