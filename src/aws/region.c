#include "aws/region.h"

#include <stddef.h>
#include <string.h>

enum { LONGEST_REGION = 32 };

struct partition_row {
    struct partition partition;
    const char *prefixes[10]; /* AWS's regionRegex is ^prefix\w+-\d+$ for one of these */
};

#define REGIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* botocore's partitions.json, in its order; iam_region from IAM's endpoint rule set. */
static const struct partition_row rows[] = {
    {{"aws", "amazonaws.com", "api.aws",
      REGIONS("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2",
              "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2",
              "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6",
              "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2",
              "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3",
              "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
              "us-east-1", "us-east-2", "us-west-1", "us-west-2"),
      "aws-global", "us-east-1"},
     {"us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"}},
    {{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn",
      REGIONS("cn-north-1", "cn-northwest-1"), "aws-cn-global", "cn-north-1"},
     {"cn-"}},
    {{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", REGIONS("eusc-de-east-1"), NULL,
      "eusc-de-east-1"},
     {"eusc-de-"}},
    {{"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", REGIONS("us-iso-east-1", "us-iso-west-1"),
      "aws-iso-global", "us-iso-east-1"},
     {"us-iso-"}},
    {{"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", REGIONS("us-isob-east-1", "us-isob-west-1"),
      "aws-iso-b-global", "us-isob-east-1"},
     {"us-isob-"}},
    {{"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", REGIONS("eu-isoe-west-1"),
      "aws-iso-e-global", "eu-isoe-west-1"},
     {"eu-isoe-"}},
    {{"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov",
      REGIONS("us-isof-east-1", "us-isof-south-1"), "aws-iso-f-global", "us-isof-south-1"},
     {"us-isof-"}},
    {{"aws-us-gov", "amazonaws.com", "api.aws", REGIONS("us-gov-east-1", "us-gov-west-1"),
      "aws-us-gov-global", "us-gov-west-1"},
     {"us-gov-"}},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static bool lower(char letter)
{
    return letter >= 'a' && letter <= 'z';
}

static bool digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool all_digits(const char *text)
{
    if (!*text)
        return false;
    while (digit(*text))
        text++;
    return !*text;
}

bool region_valid(const char *region)
{
    if (!region || strlen(region) > LONGEST_REGION)
        return false;
    int words = 0;
    const char *at = region;
    while (lower(*at)) {
        while (lower(*at))
            at++;
        if (*at++ != '-')
            return false;
        words++;
    }
    return words >= 2 && words <= 3 && all_digits(at);
}

/* \w+-\d+ to the end */
static bool word_and_number(const char *text)
{
    const char *at = text;
    while (lower(*at) || digit(*at) || (*at >= 'A' && *at <= 'Z') || *at == '_')
        at++;
    return at > text && *at == '-' && all_digits(at + 1);
}

static bool row_knows(const struct partition_row *row, const char *region)
{
    if (row->partition.global_region && strcmp(row->partition.global_region, region) == 0)
        return true;
    for (const char *const *known = row->partition.regions; *known; known++)
        if (strcmp(*known, region) == 0)
            return true;
    return false;
}

static bool row_matches(const struct partition_row *row, const char *region)
{
    for (const char *const *prefix = row->prefixes; *prefix; prefix++) {
        size_t len = strlen(*prefix);
        if (strncmp(region, *prefix, len) == 0 && word_and_number(region + len))
            return true;
    }
    return false;
}

const struct partition *partition_of(const char *region)
{
    if (!region)
        return &rows[0].partition;
    for (size_t i = 0; i < ROWS; i++)
        if (row_knows(&rows[i], region))
            return &rows[i].partition;
    for (size_t i = 0; i < ROWS; i++)
        if (row_matches(&rows[i], region))
            return &rows[i].partition;
    return &rows[0].partition;
}

const struct partition *partition_named(const char *name)
{
    for (size_t i = 0; name && i < ROWS; i++)
        if (strcmp(rows[i].partition.name, name) == 0)
            return &rows[i].partition;
    return NULL;
}
