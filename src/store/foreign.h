/* Reading a SQLite file that another program wrote: hostile, unchanged by us,
 * nothing in its schema is run. */
#pragma once
#include <stdbool.h>

struct foreign;

/* The rows of one SELECT over the tables of path; NULL when it is no such
 * file. The file is taken as it stands: its journal is not looked at. */
struct foreign *foreign_open(const char *path, const char *sql);
void foreign_close(struct foreign *foreign); /* NULL is fine */
/* The next row; false at the end and where the file is damaged. */
bool foreign_next(struct foreign *foreign);
/* Borrowed until the next row; "" for NULL. May be any bytes without NUL. */
const char *foreign_text(struct foreign *foreign, int column);
