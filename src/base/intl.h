/*
 * Sentences for people. They are written in English where they arise and are
 * read in the language of the person: main() chooses it for the screen only,
 * so what scripts, JSON and the log see stays English. What job_fail(),
 * job_note() and observers_notice() are given they translate themselves; the
 * rows of tables are listed in po/tables.h (make man).
 */
#pragma once
#include <libintl.h>

#define _(text) gettext(text)
#define N_(text) (text) /* translated where it is shown */
