#include "local/services/lambda_parts.h"

#include "base/digest.h"
#include "local/lambda_package.h"

#include <string.h>

/* The texts were observed on AWS where nothing else is said (LocalStack's recorded snapshots, and
 * what users quote). */

static enum local_result refuse_source(struct local_call *call, const json_t *source)
{
    if (json_text(source, "ImageUri"))
        return lambda_invalid(call, "Functions of the package type Image are not supported here: "
                                    "send a zip file.");
    if (json_text(source, "SourceKMSKeyArn"))
        return lambda_invalid(call, "SourceKMSKeyArn is not supported here.");
    bool bucket = json_text(source, "S3Bucket") || json_text(source, "S3Key");
    if (bucket && json_text(source, "ZipFile"))
        return lambda_invalid(call, "Please do not provide other FunctionCode parameters when "
                                    "providing a ZipFile.");
    if (bucket) /* there is no S3 here, so no bucket either */
        return lambda_invalid(call, "Error occurred while GetObject. S3 Error Code: NoSuchBucket. "
                                    "S3 Error Message: The specified bucket does not exist");
    if (!json_text(source, "ZipFile"))
        return lambda_invalid(call, "Please provide a source for function code.");
    return LOCAL_OK;
}

static enum local_result check_zip(struct local_call *call, struct text zip)
{
    struct error err = {0};
    if (!zip.len)
        return lambda_invalid(call, "Uploaded file must be a non-empty zip");
    if (zip.len > LAMBDA_ZIP_MAX)
        return local_fail_status(call, 413, "RequestEntityTooLargeException",
                                 "Zipped size must be smaller than %d bytes", LAMBDA_ZIP_MAX);
    if (lambda_package_check(zip, &err) == 0)
        return LOCAL_OK;
    if (err.code == ERR_LIMIT)
        return lambda_invalid(call, "Unzipped size must be smaller than %d bytes",
                              LAMBDA_UNZIPPED_MAX);
    return lambda_invalid(call,
                          "Could not unzip uploaded file. Please check your file, then try to "
                          "upload again.");
}

/* What the functions of this account have in this Region. */
static int64_t code_kept(struct local_call *call)
{
    struct store_rows rows;
    int64_t sum = 0;
    store_query(call->store, &rows,
                "SELECT SUM(v.code_size) FROM lambda_version v JOIN lambda_function f"
                " ON f.id = v.function WHERE f.account = $1 AND f.region = $2",
                "tt", call->account, call->region);
    if (store_next(&rows) && !store_null(&rows, 0))
        sum = store_int(&rows, 0);
    store_end(&rows);
    return sum;
}

enum local_result lambda_check_room(struct local_call *call, int64_t len)
{
    if (code_kept(call) + len <= LAMBDA_CODE_MAX)
        return LOCAL_OK;
    return local_fail(call, "CodeStorageExceededException", "Code storage limit exceeded.");
}

enum local_result lambda_read_code(struct local_call *call, const json_t *source,
                                   struct lambda_code *out)
{
    unsigned char *bytes = NULL, digest[SHA256_SIZE];
    size_t len = 0;
    if (refuse_source(call, source) != LOCAL_OK)
        return LOCAL_FAILED;
    const json_t *text = json_object_get(source, "ZipFile");
    base64_decode(call->arena, json_string_value(text), json_string_length(text), &bytes, &len);
    out->zip = (struct text){(const char *)bytes, len};
    if (check_zip(call, out->zip) != LOCAL_OK)
        return LOCAL_FAILED;
    if (lambda_check_room(call, (int64_t)len) != LOCAL_OK)
        return LOCAL_FAILED;
    digest_sha256(bytes, len, digest);
    out->sha256 = base64_encode(call->arena, digest, sizeof digest);
    return LOCAL_OK;
}

void lambda_keep_code(struct local_call *call, const struct lambda_code *code)
{
    store_run(call->store,
              "INSERT INTO lambda_code (sha256, zip) VALUES ($1, $2)"
              " ON CONFLICT (sha256) DO NOTHING",
              "tb", code->sha256, code->zip.data, code->zip.len);
}

void lambda_sweep_code(struct local_call *call)
{
    store_run(call->store,
              "DELETE FROM lambda_code WHERE NOT EXISTS"
              " (SELECT 1 FROM lambda_version WHERE code = lambda_code.sha256)",
              "");
}
