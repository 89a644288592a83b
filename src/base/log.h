/* The debug log (--debug FILE, /debug): one line an entry, stanzas included,
 * secrets redacted, control characters escaped. Nothing is logged until
 * log_open() succeeded. */
#pragma once
#include <stdbool.h>
#include <glib.h>

bool log_open(const char *path, GError **error);
void log_close(void);
bool log_enabled(void);
void log_line(const char *area, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* A stanza or nonza as it crosses the connection; outgoing or incoming. The
 * text of SASL, SASL2, FAST and registration elements is replaced. */
void log_xml(const char *account, bool outgoing, const char *xml, gssize len);

/* The same redaction for the XML console: new string. */
char *log_redact(const char *xml, gssize len);
