/*
 * region: partitions, Regions and what follows from them. Pure; any thread.
 *
 * Source: botocore's partitions.json (shared facts, sts-iam-sigv4.md section 10). A Region is any
 * name of AWS's own pattern ^([a-z]+-){2,3}\d+$ (KMS ReplicaRegion): new Regions need no release.
 */
#ifndef UNDERSTUDY_AWS_REGION_H
#define UNDERSTUDY_AWS_REGION_H

#include <stdbool.h>

struct partition {
    const char *name;            /* "aws", "aws-cn", "aws-us-gov", "aws-iso", ... "aws-eusc" */
    const char *dns_suffix;      /* "amazonaws.com" */
    const char *dual_dns_suffix; /* "api.aws" */
    const char *const *regions;  /* the known ones; NULL-terminated: hints, never a gate */
    const char *global_region;   /* pseudo-Region, "aws-global" */
    const char *iam_region;      /* where the global IAM is signed, "us-east-1" */
};

bool region_valid(const char *region); /* pattern only; pseudo-Regions ("aws-global") are not */
/* Known Region, else the partition whose pattern matches, else "aws". Never NULL. */
const struct partition *partition_of(const char *region);
const struct partition *partition_named(const char *name); /* NULL when unknown */

#endif
