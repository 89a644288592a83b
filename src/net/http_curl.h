/* The part of libcurl's binary interface (soname 4) that http.c uses, so that
 * neither building nor starting needs it. Names and numbers are curl.h's own. */
#pragma once
#include <stddef.h>
#include <sys/socket.h>

enum {
    CURLOPT_WRITEDATA = 10001,
    CURLOPT_URL = 10002,
    CURLOPT_PROXY = 10004,
    CURLOPT_ERRORBUFFER = 10010,
    CURLOPT_WRITEFUNCTION = 20011,
    CURLOPT_USERAGENT = 10018,
    CURLOPT_LOW_SPEED_LIMIT = 19,
    CURLOPT_LOW_SPEED_TIME = 20,
    CURLOPT_SSLVERSION = 32,
    CURLOPT_CAINFO = 10065,
    CURLOPT_HTTP_VERSION = 84,
    CURLOPT_NOSIGNAL = 99,
    CURLOPT_MAXFILESIZE_LARGE = 30117,
    CURLOPT_CONNECTTIMEOUT_MS = 156,
    CURLOPT_OPENSOCKETFUNCTION = 20163,
    CURLOPT_OPENSOCKETDATA = 10164,
    CURLOPT_NOPROXY = 10177,
    CURLOPT_PROTOCOLS = 181,
    CURLOPT_RESOLVE = 10203,
    CURLOPT_QUICK_EXIT = 322,
    CURLMOPT_SOCKETFUNCTION = 20001,
    CURLMOPT_SOCKETDATA = 10002,
    CURLMOPT_TIMERFUNCTION = 20004,
    CURLMOPT_TIMERDATA = 10005,
    CURLINFO_RESPONSE_CODE = 0x200002,
    CURLINFO_CONTENT_LENGTH_DOWNLOAD_T = 0x60000f,
    CURLINFO_CONTENT_TYPE = 0x100012,
    CURLINFO_REDIRECT_URL = 0x10001f,
    CURLE_PARTIAL_FILE = 18,
    CURLE_WRITE_ERROR = 23,
    CURLE_OPERATION_TIMEDOUT = 28,
    CURLE_PEER_FAILED_VERIFICATION = 60,
    CURLE_FILESIZE_EXCEEDED = 63,
    CURLMSG_DONE = 1,
    CURL_HTTP_VERSION_1_1 = 2,
    CURL_SSLVERSION_TLSv1_2 = 6,
    CURLPROTO_HTTPS = 2,
    CURL_GLOBAL_ALL = 3,
    CURL_POLL_IN = 1,
    CURL_POLL_OUT = 2,
    CURL_POLL_REMOVE = 4,
    CURL_CSELECT_IN = 1,
    CURL_CSELECT_OUT = 2,
    CURL_CSELECT_ERR = 4,
    CURL_SOCKET_TIMEOUT = -1,
    CURL_ERROR_SIZE = 256,
};

struct curl_slist;

struct curl_sockaddr {
    int family, socktype, protocol;
    unsigned addrlen;
    struct sockaddr addr;
};

struct curl_message { /* CURLMsg */
    int kind;
    void *easy;
    union {
        void *whatever;
        int result;
    } data;
};

struct curl {
    void *easy, *multi;
    struct curl_slist *resolve;

    int (*global_init)(long flags);
    void *(*easy_init)(void);
    void (*easy_cleanup)(void *easy);
    int (*easy_setopt)(void *easy, int option, ...);
    int (*easy_getinfo)(void *easy, int info, ...);
    void *(*multi_init)(void);
    int (*multi_cleanup)(void *multi);
    int (*multi_setopt)(void *multi, int option, ...);
    int (*multi_add_handle)(void *multi, void *easy);
    int (*multi_remove_handle)(void *multi, void *easy);
    int (*multi_socket_action)(void *multi, int fd, int what, int *running);
    struct curl_message *(*multi_info_read)(void *multi, int *queued);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

static const struct {
    const char *name;
    size_t at;
} curl_functions[] = {
    { "curl_global_init", offsetof(struct curl, global_init) },
    { "curl_easy_init", offsetof(struct curl, easy_init) },
    { "curl_easy_cleanup", offsetof(struct curl, easy_cleanup) },
    { "curl_easy_setopt", offsetof(struct curl, easy_setopt) },
    { "curl_easy_getinfo", offsetof(struct curl, easy_getinfo) },
    { "curl_multi_init", offsetof(struct curl, multi_init) },
    { "curl_multi_cleanup", offsetof(struct curl, multi_cleanup) },
    { "curl_multi_setopt", offsetof(struct curl, multi_setopt) },
    { "curl_multi_add_handle", offsetof(struct curl, multi_add_handle) },
    { "curl_multi_remove_handle", offsetof(struct curl, multi_remove_handle) },
    { "curl_multi_socket_action", offsetof(struct curl, multi_socket_action) },
    { "curl_multi_info_read", offsetof(struct curl, multi_info_read) },
    { "curl_slist_append", offsetof(struct curl, slist_append) },
    { "curl_slist_free_all", offsetof(struct curl, slist_free_all) },
};

static const char *const curl_libraries[] = { "libcurl.so.4", "libcurl-gnutls.so.4", NULL };
