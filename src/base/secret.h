/* Memory for passwords, keys and tokens: locked, left out of core dumps,
 * wiped when freed (H62). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <glib.h>
#include "base/auto.h"

struct secret;

struct secret *secret_new(const char *bytes, gssize len); /* copies; len -1: strlen */
struct secret *secret_ref(struct secret *secret);
void secret_unref(struct secret *secret); /* NULL is fine */
const char *secret_bytes(const struct secret *secret); /* NUL-terminated */
size_t secret_len(const struct secret *secret);
void secret_wipe(void *bytes, size_t len); /* never optimised away */
AUTO_STRUCT_FREE(secret, secret_unref)

/* First line of a file descriptor or file, newline stripped; at most 4096
 * bytes. (contract.md s. 1, --password-file, --password-fd) */
struct secret *secret_read_fd(int fd, GError **error);
struct secret *secret_read_file(const char *path, GError **error);

/* Once at start: no core dumps, not ptraceable, SSLKEYLOGFILE forgotten. */
void secret_harden_process(void);
