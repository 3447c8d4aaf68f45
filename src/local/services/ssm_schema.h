/*
 * ssm_schema: the tables of Parameter Store. All are keyed (account, Region, name), the name
 * without its leading slash; "/a/b" and everything below it is the range ["a/b/", "a/b0").
 *
 * ssm_parameter: the current version of each, so that GetParameter is one point read. The value
 * comes last: listings that do not want it never touch its overflow pages.
 * ssm_version: the versions before it, at most 99. ssm_label: where labels sit. ssm_count: how many
 * parameters of each tier there are. ssm_policy_due: when which policy acts. ssm_tags: tags as one
 * row, "key\0value\0" sorted by key; the row stays when the last tag goes ("previously tagged").
 * ssm_image: which Region an AMI is in.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_SSM_SCHEMA_H
#define UNDERSTUDY_LOCAL_SERVICES_SSM_SCHEMA_H

#define SSM_SCHEMA_KEY "account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, "
#define SSM_SCHEMA_VERSION                                                                         \
    "version BIGINT NOT NULL, type BIGINT NOT NULL, data_type BIGINT NOT NULL, "                   \
    "tier BIGINT NOT NULL, slash BIGINT NOT NULL, modified_ms BIGINT NOT NULL, "                   \
    "expires_ms BIGINT NOT NULL, modified_by TEXT NOT NULL, key_id TEXT, description TEXT, "       \
    "allowed_pattern TEXT, policies TEXT, value BLOB NOT NULL, "

#define SSM_SCHEMA                                                                                 \
    "CREATE TABLE IF NOT EXISTS ssm_parameter (" SSM_SCHEMA_KEY SSM_SCHEMA_VERSION                 \
    "PRIMARY KEY (account, region, name)) WITHOUT ROWID;"                                          \
    "CREATE TABLE IF NOT EXISTS ssm_policy_due (" SSM_SCHEMA_KEY "policy BIGINT NOT NULL,"         \
    " due_ms BIGINT NOT NULL, PRIMARY KEY (account, region, name, policy)) WITHOUT ROWID;"         \
    "CREATE INDEX IF NOT EXISTS ssm_policy_due_time ON ssm_policy_due (due_ms);"                   \
    "CREATE TABLE IF NOT EXISTS ssm_version (" SSM_SCHEMA_KEY SSM_SCHEMA_VERSION                   \
    "PRIMARY KEY (account, region, name, version)) WITHOUT ROWID;"                                 \
    "CREATE TABLE IF NOT EXISTS ssm_label (" SSM_SCHEMA_KEY "label TEXT NOT NULL,"                 \
    " version BIGINT NOT NULL, PRIMARY KEY (account, region, name, label)) WITHOUT ROWID;"         \
    "CREATE TABLE IF NOT EXISTS ssm_count (account TEXT NOT NULL, region TEXT NOT NULL,"           \
    " tier BIGINT NOT NULL, parameters BIGINT NOT NULL,"                                           \
    " PRIMARY KEY (account, region, tier)) WITHOUT ROWID;"                                         \
    "CREATE TABLE IF NOT EXISTS ssm_tags (" SSM_SCHEMA_KEY "tags BLOB NOT NULL,"                   \
    " PRIMARY KEY (account, region, name)) WITHOUT ROWID;"                                         \
    "CREATE TABLE IF NOT EXISTS ssm_image (image TEXT PRIMARY KEY, region TEXT NOT NULL)"          \
    " WITHOUT ROWID;"                                                                              \
    "CREATE TABLE IF NOT EXISTS ssm_setting (account TEXT NOT NULL, region TEXT NOT NULL,"         \
    " setting TEXT NOT NULL, value TEXT NOT NULL, modified_ms BIGINT NOT NULL,"                    \
    " modified_by TEXT NOT NULL, PRIMARY KEY (account, region, setting)) WITHOUT ROWID;"           \
    "CREATE TABLE IF NOT EXISTS ssm_resource_policy (" SSM_SCHEMA_KEY "policy_id TEXT NOT NULL,"   \
    " hash TEXT NOT NULL, policy TEXT NOT NULL,"                                                   \
    " PRIMARY KEY (account, region, name, policy_id)) WITHOUT ROWID;"

#endif
