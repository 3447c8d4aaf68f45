/*
 * kms_alias: which key each alias of a Region stands for. Source: shared facts kms.md; the service
 * model (ListAliases answers NextMarker, asks Marker).
 */
#ifndef UNDERSTUDY_RESOURCE_KMS_ALIAS_H
#define UNDERSTUDY_RESOURCE_KMS_ALIAS_H

#include "resource/resource.h"

int kms_list_aliases(struct resource_ctx *ctx, resource_key_fn *each, void *arg, struct error *err);

#endif
