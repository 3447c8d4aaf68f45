/*
 * sanitizer: is this a sanitizer's build, and what an allocator tells the address sanitizer.
 *
 * In other builds the two calls are nothing.
 */
#ifndef UNDERSTUDY_BASE_SANITIZER_H
#define UNDERSTUDY_BASE_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER_ADDRESS 1
#endif
#if __has_feature(thread_sanitizer)
#define SANITIZER_THREAD 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(SANITIZER_ADDRESS)
#define SANITIZER_ADDRESS 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(SANITIZER_THREAD)
#define SANITIZER_THREAD 1
#endif
#ifndef SANITIZER_ADDRESS
#define SANITIZER_ADDRESS 0
#endif
#ifndef SANITIZER_THREAD
#define SANITIZER_THREAD 0
#endif

#if SANITIZER_ADDRESS
#include <sanitizer/asan_interface.h>
#define sanitizer_forbid(memory, size) ASAN_POISON_MEMORY_REGION(memory, size)
#define sanitizer_permit(memory, size) ASAN_UNPOISON_MEMORY_REGION(memory, size)
#else
#define sanitizer_forbid(memory, size) ((void)(memory), (void)(size))
#define sanitizer_permit(memory, size) ((void)(memory), (void)(size))
#endif

#endif
