/* The zip file of a function: refused, or it passes for one that can be unzipped. */
#include "fuzz.h"
#include "local/lambda_package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    lambda_package_check((struct text){size ? (const char *)data : "", size}, &err);
    return 0;
}
