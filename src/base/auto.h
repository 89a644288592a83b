/* Locals that clean up after themselves, for bare struct types (g_autoptr
 * wants typedefs):
 *     auto_struct(message) m = message_new();                              */
#pragma once
#define AUTO_STRUCT_FREE(tag, fn) \
    static inline void auto_free_##tag(struct tag **p) \
    { \
        if (*p) \
            fn(*p); \
    }
#define auto_struct(tag) \
    __attribute__((cleanup(auto_free_##tag))) struct tag *
