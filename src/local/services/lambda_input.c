#include "local/services/lambda_parts.h"

/* Inputs, from the service model (botocore 1.43.67). Where the model lets in what the service
 * itself refuses (900 seconds, 10,240 MB, names of 64 letters), the service's limit stands here. */

#define REGION_PART "([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?"
#define FUNCTION_PATTERN                                                                           \
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?" REGION_PART                                                  \
    "(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
#define NAMESPACED_PATTERN                                                                         \
    "(arn:(aws[a-zA-Z-]*)?:lambda:)?" REGION_PART                                                  \
    "(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
#define QUALIFIER_PATTERN "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
#define ANY_ARN_PATTERN   "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"
#define DESTINATION_PATTERN                                                                        \
    "$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:"          \
    "([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)"
#define TAGGABLE_PATTERN                                                                           \
    "arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:"           \
    "(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?"                                       \
    "|code-signing-config:csc-[a-z0-9]{17}"                                                        \
    "|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-"           \
    "[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)"

#define TEXT(member, least, most)                                                                  \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .min = least, .max = most                            \
    }
#define MATCHING(member, more, least, most, text)                                                  \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .flags = more, .min = least, .max = most,            \
        .pattern = text                                                                            \
    }
#define ONE_OF(member, list)                                                                       \
    {                                                                                              \
        .name = member, .type = LOCAL_STRING, .values = list                                       \
    }
#define NUMBER(member, more, least, most)                                                          \
    {                                                                                              \
        .name = member, .type = LOCAL_INTEGER, .flags = more, .min = least, .max = most            \
    }
#define BOOLEAN(member)                                                                            \
    {                                                                                              \
        .name = member, .type = LOCAL_BOOLEAN                                                      \
    }
#define STRUCTURE(member, more, items)                                                             \
    {                                                                                              \
        .name = member, .type = LOCAL_STRUCTURE, .flags = more, .members = items                   \
    }
#define LIST(member, more, least, most, items)                                                     \
    {                                                                                              \
        .name = member, .type = LOCAL_LIST, .flags = more, .min = least, .max = most,              \
        .element = &(items)                                                                        \
    }
#define MAP(member, more, items)                                                                   \
    {                                                                                              \
        .name = member, .type = LOCAL_MAP, .flags = more, .element = &(items)                      \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }
#define FUNCTION   MATCHING("FunctionName", LOCAL_REQUIRED, 1, 140, FUNCTION_PATTERN)
#define NAMESPACED MATCHING("FunctionName", LOCAL_REQUIRED, 1, 256, NAMESPACED_PATTERN)
#define QUALIFIER  MATCHING("Qualifier", 0, 1, 128, QUALIFIER_PATTERN)
#define REVISION   TEXT("RevisionId", 0, 0)
#define PAGE(most) TEXT("Marker", 0, 0), NUMBER("MaxItems", 0, 1, most)
#define ALIAS      MATCHING("Name", LOCAL_REQUIRED, 1, 128, "(?!^[0-9]+$)([a-zA-Z0-9-_]+)")
#define VERSION(more)                                                                              \
    MATCHING("FunctionVersion", more, 1, 1024, "(\\$LATEST(\\.PUBLISHED)?|[0-9]+)")
#define DESCRIPTION TEXT("Description", 0, 256)

static const char *const package_types[] = {"Zip", "Image", NULL};
static const char *const tracing_modes[] = {"Active", "PassThrough", NULL};
static const char *const architectures[] = {"x86_64", "arm64", NULL};
static const char *const snap_start[] = {"PublishedVersions", "None", NULL};
static const char *const log_formats[] = {"JSON", "Text", NULL};
static const char *const log_levels[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", NULL};
static const char *const system_levels[] = {"DEBUG", "INFO", "WARN", NULL};
static const char *const invocation_types[] = {"Event", "RequestResponse", "DryRun", NULL};
static const char *const log_types[] = {"None", "Tail", NULL};
static const char *const url_auth[] = {"NONE", "AWS_IAM", NULL};
static const char *const all_versions[] = {"ALL", NULL};

static const struct local_member any_text = {.type = LOCAL_STRING};
static const struct local_member variable = {.type = LOCAL_STRING, .flags = LOCAL_SENSITIVE};
static const struct local_member weight = {.type = LOCAL_TIMESTAMP}; /* a number of any kind */
static const struct local_member architecture = {.type = LOCAL_STRING, .values = architectures};

static const struct local_member code[] = {{.name = "ZipFile",
                                            .type = LOCAL_BLOB,
                                            .flags = LOCAL_SENSITIVE},
                                           TEXT("S3Bucket", 3, 63),
                                           TEXT("S3Key", 1, 1024),
                                           TEXT("S3ObjectVersion", 1, 1024),
                                           TEXT("ImageUri", 0, 0),
                                           TEXT("SourceKMSKeyArn", 0, 0),
                                           END};
static const struct local_member vpc[] = {LIST("SubnetIds", 0, 0, 16, any_text),
                                          LIST("SecurityGroupIds", 0, 0, 5, any_text),
                                          BOOLEAN("Ipv6AllowedForDualStack"), END};
static const struct local_member dead_letter[] = {MATCHING("TargetArn", 0, 0, 0, ANY_ARN_PATTERN),
                                                  END};
static const struct local_member environment[] = {MAP("Variables", LOCAL_SENSITIVE, variable), END};
static const struct local_member tracing[] = {ONE_OF("Mode", tracing_modes), END};
static const struct local_member storage[] = {NUMBER("Size", LOCAL_REQUIRED, 512, 10240), END};
static const struct local_member snap[] = {ONE_OF("ApplyOn", snap_start), END};
static const struct local_member logging[] = {
    ONE_OF("LogFormat", log_formats), ONE_OF("ApplicationLogLevel", log_levels),
    ONE_OF("SystemLogLevel", system_levels),
    MATCHING("LogGroup", 0, 1, 512, "[\\.\\-_/#A-Za-z0-9]+"), END};
static const struct local_member nothing[] = {END};
static const struct local_member file_system = {.type = LOCAL_STRUCTURE, .members = nothing};

#define SETTINGS(needed)                                                                           \
    TEXT("Runtime", 0, 0), /* the service says itself what it takes */                             \
        MATCHING("Role", needed, 0, 0,                                                             \
                 "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"),               \
        MATCHING("Handler", 0, 0, 128, "[^\\s]+"), DESCRIPTION, NUMBER("Timeout", 0, 1, 900),      \
        NUMBER("MemorySize", 0, 128, 10240), STRUCTURE("VpcConfig", 0, vpc),                       \
        STRUCTURE("DeadLetterConfig", 0, dead_letter), STRUCTURE("Environment", 0, environment),   \
        MATCHING("KMSKeyArn", 0, 0, 0, ANY_ARN_PATTERN), STRUCTURE("TracingConfig", 0, tracing),   \
        LIST("Layers", 0, 0, 0, any_text), LIST("FileSystemConfigs", 0, 0, 1, file_system),        \
        STRUCTURE("ImageConfig", 0, nothing), STRUCTURE("EphemeralStorage", 0, storage),           \
        STRUCTURE("SnapStart", 0, snap), STRUCTURE("LoggingConfig", 0, logging),                   \
        STRUCTURE("CapacityProviderConfig", 0, nothing), STRUCTURE("DurableConfig", 0, nothing)

const struct local_member lambda_in_create[] = {FUNCTION,
                                                SETTINGS(LOCAL_REQUIRED),
                                                STRUCTURE("Code", LOCAL_REQUIRED, code),
                                                BOOLEAN("Publish"),
                                                ONE_OF("PackageType", package_types),
                                                MAP("Tags", 0, any_text),
                                                TEXT("CodeSigningConfigArn", 0, 200),
                                                LIST("Architectures", 0, 1, 1, architecture),
                                                TEXT("PublishTo", 0, 0),
                                                STRUCTURE("TenancyConfig", 0, nothing),
                                                END};
const struct local_member lambda_in_update_code[] = {FUNCTION,
                                                     {.name = "ZipFile",
                                                      .type = LOCAL_BLOB,
                                                      .flags = LOCAL_SENSITIVE},
                                                     TEXT("S3Bucket", 3, 63),
                                                     TEXT("S3Key", 1, 1024),
                                                     TEXT("S3ObjectVersion", 1, 1024),
                                                     TEXT("ImageUri", 0, 0),
                                                     TEXT("SourceKMSKeyArn", 0, 0),
                                                     BOOLEAN("Publish"),
                                                     BOOLEAN("DryRun"),
                                                     REVISION,
                                                     LIST("Architectures", 0, 1, 1, architecture),
                                                     TEXT("PublishTo", 0, 0),
                                                     END};
const struct local_member lambda_in_update_configuration[] = {FUNCTION, SETTINGS(0), REVISION, END};
const struct local_member lambda_in_function[] = {NAMESPACED, QUALIFIER, END};
const struct local_member lambda_in_plain_function[] = {FUNCTION, END};
const struct local_member lambda_in_list[] = {MATCHING("MasterRegion", 0, 0, 0,
                                                       "ALL|[a-z]{2}(-gov)?-[a-z]+-\\d{1}"),
                                              ONE_OF("FunctionVersion", all_versions), PAGE(10000),
                                              END};
const struct local_member lambda_in_list_versions[] = {NAMESPACED, PAGE(10000), END};
const struct local_member lambda_in_publish[] = {FUNCTION, TEXT("CodeSha256", 0, 0), DESCRIPTION,
                                                 REVISION, TEXT("PublishTo", 0, 0),  END};

static const struct local_member routing[] = {MAP("AdditionalVersionWeights", 0, weight), END};
const struct local_member lambda_in_create_alias[] = {
    FUNCTION, ALIAS, VERSION(LOCAL_REQUIRED), DESCRIPTION, STRUCTURE("RoutingConfig", 0, routing),
    END};
const struct local_member lambda_in_alias[] = {FUNCTION, ALIAS, END};
const struct local_member lambda_in_update_alias[] = {
    FUNCTION, ALIAS, VERSION(0), DESCRIPTION, STRUCTURE("RoutingConfig", 0, routing),
    REVISION, END};
const struct local_member lambda_in_list_aliases[] = {FUNCTION, VERSION(0), PAGE(10000), END};

const struct local_member lambda_in_add_permission[] = {
    NAMESPACED,
    QUALIFIER,
    REVISION,
    MATCHING("StatementId", LOCAL_REQUIRED, 1, 100, "([a-zA-Z0-9-_]+)"),
    MATCHING("Action", LOCAL_REQUIRED, 0, 0, "(lambda:[*]|lambda:[a-zA-Z]+|[*])"),
    MATCHING("Principal", LOCAL_REQUIRED, 0, 0, "[^\\s]+"),
    MATCHING("SourceArn", 0, 0, 0,
             "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-\\d{1})?:"
             "(\\d{12})?:(.*)"),
    MATCHING("SourceAccount", 0, 0, 12, "\\d{12}"),
    MATCHING("EventSourceToken", 0, 0, 256, "[a-zA-Z0-9._\\-]+"),
    MATCHING("PrincipalOrgID", 0, 12, 34, "o-[a-z0-9]{10,32}"),
    ONE_OF("FunctionUrlAuthType", url_auth),
    BOOLEAN("InvokedViaFunctionUrl"),
    END};
const struct local_member lambda_in_remove_permission[] = {NAMESPACED, QUALIFIER, REVISION,
                                                           MATCHING("StatementId", LOCAL_REQUIRED,
                                                                    1, 100, "([a-zA-Z0-9-_.]+)"),
                                                           END};
/* The payload is the body: it stands in call->payload. */
const struct local_member lambda_in_invoke[] = {NAMESPACED,
                                                QUALIFIER,
                                                ONE_OF("InvocationType", invocation_types),
                                                ONE_OF("LogType", log_types),
                                                TEXT("ClientContext", 0, 3583),
                                                MATCHING("DurableExecutionName", 0, 1, 64,
                                                         "[a-zA-Z0-9-_]+"),
                                                TEXT("TenantId", 1, 256),
                                                END};
const struct local_member lambda_in_put_concurrency[] = {FUNCTION,
                                                         {.name = "ReservedConcurrentExecutions",
                                                          .type = LOCAL_INTEGER,
                                                          .flags = LOCAL_REQUIRED},
                                                         END};

static const struct local_member destination[] = {MATCHING("Destination", 0, 0, 350,
                                                           DESTINATION_PATTERN),
                                                  END};
static const struct local_member destinations[] = {STRUCTURE("OnSuccess", 0, destination),
                                                   STRUCTURE("OnFailure", 0, destination), END};
const struct local_member lambda_in_event_config[] = {NAMESPACED,
                                                      QUALIFIER,
                                                      NUMBER("MaximumRetryAttempts", 0, 0, 2),
                                                      NUMBER("MaximumEventAgeInSeconds", 0, 60,
                                                             21600),
                                                      STRUCTURE("DestinationConfig", 0,
                                                                destinations),
                                                      END};
const struct local_member lambda_in_list_event_configs[] = {NAMESPACED, PAGE(50), END};

#define TAGGABLE MATCHING("Resource", LOCAL_REQUIRED, 1, 256, TAGGABLE_PATTERN)
const struct local_member lambda_in_tag[] = {TAGGABLE, MAP("Tags", LOCAL_REQUIRED, any_text), END};
const struct local_member lambda_in_untag[] = {TAGGABLE,
                                               LIST("TagKeys", LOCAL_REQUIRED, 0, 0, any_text),
                                               END};
const struct local_member lambda_in_list_tags[] = {TAGGABLE, END};
