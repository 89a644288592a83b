/* The functions of libcurl that http.c uses, by name: their types are the
 * header's, and nothing is linked, so that starting does not cost its time. */
#pragma once
#include <curl/curl.h>
#include <stddef.h>

struct curl {
    CURL *easy;
    CURLM *multi;
    struct curl_slist *resolve;

#define MEMBER(name) __typeof__(curl_##name) *name
    MEMBER(global_init);
    MEMBER(easy_init);
    MEMBER(easy_cleanup);
    MEMBER(easy_setopt);
    MEMBER(easy_getinfo);
    MEMBER(multi_init);
    MEMBER(multi_cleanup);
    MEMBER(multi_setopt);
    MEMBER(multi_add_handle);
    MEMBER(multi_remove_handle);
    MEMBER(multi_socket_action);
    MEMBER(multi_info_read);
    MEMBER(slist_append);
    MEMBER(slist_free_all);
#undef MEMBER
};

static const struct {
    const char *name;
    size_t at;
} curl_functions[] = {
#define ROW(name) { "curl_" #name, offsetof(struct curl, name) }
    ROW(global_init),
    ROW(easy_init),
    ROW(easy_cleanup),
    ROW(easy_setopt),
    ROW(easy_getinfo),
    ROW(multi_init),
    ROW(multi_cleanup),
    ROW(multi_setopt),
    ROW(multi_add_handle),
    ROW(multi_remove_handle),
    ROW(multi_socket_action),
    ROW(multi_info_read),
    ROW(slist_append),
    ROW(slist_free_all),
#undef ROW
};

static const char *const curl_libraries[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };
