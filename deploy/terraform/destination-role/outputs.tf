output "role_arn" {
  description = "For role_arn of the destination in the configuration, and destination_role_arn of the function's module."
  value       = aws_iam_role.destination.arn
}
