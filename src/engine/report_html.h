/*
 * report_html: a run as one page to be read in a browser, kept, or attached to a ticket.
 *
 * The page is whole in itself: its Content-Security-Policy allows its own style and script by their
 * hashes and no request at all, so it works from a file and cannot be made to run what a name or a
 * tag holds. Names and metadata only, never a value. It is written as the steps are read: memory
 * does not grow with their number. The template is src/engine/report.html, put into the program by
 * tools/embed when it is built. The program's thread only. ERR_IO.
 *
 *     report_html_begin, report_html_add for each replication, report_html_end
 */
#ifndef UNDERSTUDY_ENGINE_REPORT_HTML_H
#define UNDERSTUDY_ENGINE_REPORT_HTML_H

#include "engine/engine.h"

#include <stdio.h>

int report_html_begin(FILE *out, struct error *err);
/* `command` is "plan", "sync", "apply" or "verify". */
int report_html_add(FILE *out, struct engine *engine, const char *command, struct error *err);
/* In place of a replication that could not be run to its end. */
int report_html_add_failure(FILE *out, const struct config *config, const char *command,
                            const struct error *failure, struct error *err);
int report_html_end(FILE *out, struct error *err);

#endif
