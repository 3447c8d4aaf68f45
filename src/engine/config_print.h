/*
 * config_print: a configuration as the understudy.yaml that says the same: for --print-config, and
 * for those who come from flags or from an earlier tool. The program's thread. ERR_IO.
 */
#ifndef UNDERSTUDY_ENGINE_CONFIG_PRINT_H
#define UNDERSTUDY_ENGINE_CONFIG_PRINT_H

#include "engine/config.h"

#include <stdio.h>

int config_print(const struct config_set *set, FILE *out, struct error *err);

#endif
