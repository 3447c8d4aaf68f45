#include "local/services/lambda_parts.h"

#include "local/lambda_invoke.h"

#include <string.h>

enum local_result lambda_get_configuration(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK)
        lambda_write_configuration(call, &function);
    lambda_function_done(&function);
    return result;
}

static void put_tags(struct local_call *call, int64_t function)
{
    const char *tags = lambda_tags_of(call, function);
    if (strcmp(tags, "{}") == 0)
        return;
    json_key(call->out, "Tags");
    json_write_raw(call->out, tags, strlen(tags));
}

/* AWS adds where the package can be fetched from S3 for ten minutes; there is no S3 here. */
enum local_result lambda_get_function(struct local_call *call)
{
    struct lambda_function function;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK) {
        json_key(call->out, "Configuration");
        json_open(call->out);
        lambda_write_configuration(call, &function);
        json_close(call->out);
        json_key(call->out, "Code");
        json_open(call->out);
        json_put_text(call->out, "RepositoryType", "S3");
        json_close(call->out);
        put_tags(call, function.id);
        if (function.reserved_concurrency >= 0) {
            json_key(call->out, "Concurrency");
            json_open(call->out);
            json_put_int(call->out, "ReservedConcurrentExecutions", function.reserved_concurrency);
            json_close(call->out);
        }
    }
    lambda_function_done(&function);
    return result;
}

/* --- listings --------------------------------------------------------------------------------- */

static void list_one(struct local_call *call, const char *name, const char *qualifier)
{
    struct lambda_function function;
    json_open(call->out);
    if (lambda_function_find(call->local, call->store, call->arena, call->account, call->region,
                             name, qualifier, &function) == 0)
        lambda_write_configuration(call, &function);
    lambda_function_done(&function);
    json_close(call->out);
}

/* Every version has a place in the order: its function's name, and its number with leading zeros.
 */
enum local_result lambda_list_functions(struct local_call *call)
{
    struct lambda_page page;
    struct store_rows rows;
    bool all = local_text(call, "FunctionVersion") != NULL;
    if (lambda_page_open(call, &page, "Functions") != LOCAL_OK)
        return LOCAL_FAILED;
    store_query(call->store, &rows,
                "SELECT f.name || ' ' || substr('0000000000' || v.number, -10) AS place, f.name,"
                " v.number FROM lambda_function f JOIN lambda_version v ON v.function = f.id"
                " WHERE f.account = $1 AND f.region = $2 AND (v.number = 0 OR $3 = 1)"
                " AND f.name || ' ' || substr('0000000000' || v.number, -10) > $4 ORDER BY place",
                "ttit", call->account, call->region, (int64_t)all, page.position);
    while (lambda_page_next(call, &page, &rows, 0)) {
        struct text name = store_text(&rows, 1);
        const char *version =
            store_int(&rows, 2) ? arena_printf(call->arena, "%lld", (long long)store_int(&rows, 2))
                                : "$LATEST";
        list_one(call, arena_strndup(call->arena, name.data, name.len), all ? version : NULL);
    }
    lambda_page_close(call, &page, &rows);
    return LOCAL_OK;
}

static void list_versions(struct local_call *call, const struct lambda_function *function,
                          struct lambda_page *page)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT substr('0000000000' || number, -10) AS place, number FROM lambda_version"
                " WHERE function = $1 AND substr('0000000000' || number, -10) > $2 ORDER BY place",
                "it", function->id, page->position);
    while (lambda_page_next(call, page, &rows, 0)) {
        struct lambda_function version;
        int64_t number = store_int(&rows, 1);
        const char *qualifier =
            number ? arena_printf(call->arena, "%lld", (long long)number) : "$LATEST";
        json_open(call->out);
        if (lambda_function_find(call->local, call->store, call->arena, function->account,
                                 function->region, function->name, qualifier, &version) == 0)
            lambda_write_configuration(call, &version);
        lambda_function_done(&version);
        json_close(call->out);
    }
    lambda_page_close(call, page, &rows);
}

enum local_result lambda_list_versions(struct local_call *call)
{
    struct lambda_page page;
    struct lambda_function function;
    enum local_result result = lambda_need(call, &function);
    if (result == LOCAL_OK)
        result = lambda_page_open(call, &page, "Versions");
    if (result == LOCAL_OK)
        list_versions(call, &function, &page);
    lambda_function_done(&function);
    return result;
}

/* --- GetAccountSettings ----------------------------------------------------------------------- */

enum local_result lambda_account_settings(struct local_call *call)
{
    struct store_rows rows;
    int64_t size = 0, functions = 0;
    store_query(call->store, &rows,
                "SELECT COUNT(DISTINCT f.id), SUM(v.code_size) FROM lambda_function f"
                " JOIN lambda_version v ON v.function = f.id"
                " WHERE f.account = $1 AND f.region = $2",
                "tt", call->account, call->region);
    if (store_next(&rows)) {
        functions = store_int(&rows, 0);
        size = store_null(&rows, 1) ? 0 : store_int(&rows, 1);
    }
    store_end(&rows);
    json_key(call->out, "AccountLimit");
    json_open(call->out);
    json_put_int(call->out, "TotalCodeSize", LAMBDA_CODE_MAX);
    json_put_int(call->out, "CodeSizeUnzipped", LAMBDA_UNZIPPED_MAX);
    json_put_int(call->out, "CodeSizeZipped", LAMBDA_ZIP_MAX);
    json_put_int(call->out, "ConcurrentExecutions", LAMBDA_CONCURRENCY);
    json_put_int(call->out, "UnreservedConcurrentExecutions",
                 LAMBDA_CONCURRENCY - lambda_reserved(call->store, call->account, call->region));
    json_close(call->out);
    json_key(call->out, "AccountUsage");
    json_open(call->out);
    json_put_int(call->out, "TotalCodeSize", size);
    json_put_int(call->out, "FunctionCount", functions);
    json_close(call->out);
    return LOCAL_OK;
}
