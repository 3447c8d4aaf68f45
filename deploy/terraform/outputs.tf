output "function_arn" {
  description = "The function."
  value       = aws_lambda_function.function.arn
}

output "role_arn" {
  description = "Its role, for the module destination-role and for the policies of keys."
  value       = aws_iam_role.function.arn
}

output "queue_url" {
  description = "Where events wait; null without a queue."
  value       = one(aws_sqs_queue.events[*].url)
}

output "dead_letter_queue_url" {
  description = "What was given up; send it to the function again, or let the next full pass mend it."
  value       = aws_sqs_queue.failed.url
}
