#include "net/ca_bundle.h"

#include "base/arena.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char file_name[] = "understudy-ca.pem";

/* Debian, then Red Hat and Amazon Linux, then SUSE. */
static const char *const system_files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                           "/etc/pki/tls/certs/ca-bundle.crt",
                                           "/etc/ssl/ca-bundle.pem"};

char *ca_bundle_find_for(const char *program, const char *built_in)
{
    char path[PATH_MAX];
    const char *slash = program ? strrchr(program, '/') : NULL;
    if (slash) {
        int len =
            snprintf(path, sizeof path, "%.*s/%s", (int)(slash - program), program, file_name);
        if (len > 0 && (size_t)len < sizeof path && access(path, R_OK) == 0)
            return memory_strdup(path);
    }
    if (built_in && access(built_in, R_OK) == 0)
        return memory_strdup(built_in);
    for (size_t i = 0; i < sizeof system_files / sizeof system_files[0]; i++)
        if (access(system_files[i], R_OK) == 0)
            return memory_strdup(system_files[i]);
    return built_in ? memory_strdup(built_in) : NULL; /* for the error's text */
}

char *ca_bundle_find(const char *built_in)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len > 0) {
        program[len] = '\0';
        return ca_bundle_find_for(program, built_in);
    }
    /* No /proc: what the program was called by, if that says where it is. */
    const char *called = (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)
    return ca_bundle_find_for(called && *called == '/' ? called : NULL, built_in);
}
