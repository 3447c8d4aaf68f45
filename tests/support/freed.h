/*
 * freed: was memory wiped before it was freed?
 *
 * For programs linked with -Wl,--wrap=free. Plant FREED_MARK in memory, have the code free it, and
 * ask freed_with_mark: it counts the frees of blocks in which the mark still stood.
 */
#ifndef UNDERSTUDY_TESTS_FREED_H
#define UNDERSTUDY_TESTS_FREED_H

#define FREED_MARK "planted-SECRET-7f3a"

unsigned freed_with_mark(void);

#endif
