/* Custom key stores: no account of this server has a CloudHSM cluster or an external key manager,
 * so these operations answer what AWS answers to an account without them. */
#include "local/services/kms_parts.h"

#include <string.h>

enum local_result kms_create_custom_key_store(struct local_call *call)
{
    const char *type = local_text(call, "CustomKeyStoreType");
    if (type && strcmp(type, "EXTERNAL_KEY_STORE") == 0)
        return local_fail_bare(call, "XksProxyUriUnreachableException");
    if (!local_text(call, "CloudHsmClusterId")) /* text not observed (K) */
        return local_fail(call, "ValidationException", "CloudHsmClusterId is required.");
    return local_fail_bare(call, "CloudHsmClusterNotFoundException");
}

enum local_result kms_describe_custom_key_stores(struct local_call *call)
{
    const char *position;
    enum local_result result = kms_marker(call, &position);
    if (result != LOCAL_OK)
        return result;
    if (local_text(call, "CustomKeyStoreId") || local_text(call, "CustomKeyStoreName"))
        return kms_no_custom_key_store(call);
    json_key(call->out, "CustomKeyStores");
    json_open_list(call->out);
    json_close_list(call->out);
    json_put_bool(call->out, "Truncated", false);
    return LOCAL_OK;
}

enum local_result kms_no_custom_key_store(struct local_call *call)
{
    return local_fail_bare(call, "CustomKeyStoreNotFoundException");
}
