"""What test_rows.py does not ask for, and why: (service, outcome) or (service, operation, outcome),
where an outcome is "ok", "denied" or an error's code."""

LEFT_OUT = {
    ('ssm', 'InternalServerError'): 'nothing that a client sends makes the server fail',
    ('kms', 'KMSInternalException'): 'nothing that a client sends makes the server fail',
}
