/* Files on their way: what /url save fetches, /transfer lists and cancels. */
#pragma once
#include "app/app.h"
#include "cmd/job.h"

/* Fetches url for the job, which waits for it, and ends it. file: where to;
 * NULL or a directory: under the name the link has, made harmless (H57), with
 * a number where that is taken. Nothing is ever overwritten; what is there
 * only partly goes again. is_private: addresses of private networks as well. */
enum cmd_status transfer_save(struct job *job, const char *url, const char *file, bool is_private);

/* For the status line: how many, and how much of them is there in percent;
 * -1: nobody knows. */
guint transfer_progress(const struct app *app, int *percent);

/* The name a file of this link gets: no directory, nothing hidden, nothing
 * that hides what it is, at most 200 bytes. New string. */
char *transfer_name(const char *url);
