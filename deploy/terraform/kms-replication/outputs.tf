output "service_token" {
  description = "The ServiceToken of custom resources"
  value       = aws_lambda_function.function.arn
}

output "role_arn" {
  description = "The function's role, for keys whose policy does not leave the account to IAM"
  value       = aws_iam_role.function.arn
}
