/* sanitizer.h: the interfaces of AddressSanitizer and ThreadSanitizer, empty where they do not
 * watch. */
#ifndef FC_EMULATION_SANITIZER_H
#define FC_EMULATION_SANITIZER_H

#include <stddef.h>

#ifdef __has_feature /* clang; gcc has macros */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
static inline void __asan_poison_memory_region(const void *, size_t)
{
}

static inline void __asan_unpoison_memory_region(const void *, size_t)
{
}

static inline void __sanitizer_start_switch_fiber(void **, const void *, size_t)
{
}

static inline void __sanitizer_finish_switch_fiber(void *, const void **, size_t *)
{
}
#endif

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#else
static inline void *__tsan_get_current_fiber()
{
    return nullptr;
}

static inline void *__tsan_create_fiber(unsigned)
{
    return nullptr;
}

static inline void __tsan_destroy_fiber(void *)
{
}

static inline void __tsan_switch_to_fiber(void *, unsigned)
{
}
#endif

#endif
