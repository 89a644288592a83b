/*
 * A resolver that says what a test wants, or nothing at all.
 *   DNS_STALL=SECONDS          every question takes that long and fails
 *   DNS_STALL6=SECONDS         only those for addresses of IPv6
 *   DNS_HOSTS=host=address,…   for getaddrinfo(); others do not exist
 *   DNS_SRV=name=priority:weight:port:target,…
 *   DNS_LOG=FILE               a line for each question
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#undef res_nquery

static void question(const char *kind, const char *name)
{
    const char *path = getenv("DNS_LOG");
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)
                  : -1;
    if (fd >= 0) {
        dprintf(fd, "%s %s\n", kind, name);
        close(fd);
    }
    const char *stall = getenv("DNS_STALL");
    if (stall)
        sleep((unsigned)atoi(stall));
}

int getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
    static int (*real)(const char *, const char *, const struct addrinfo *,
        struct addrinfo **);
    if (!real)
        real = dlsym(RTLD_NEXT, "getaddrinfo");
    unsigned char number[16];
    if (!node || inet_pton(AF_INET, node, number) == 1 ||
        inet_pton(AF_INET6, node, number) == 1)
        return real(node, service, hints, out);
    bool v6 = hints && hints->ai_family == AF_INET6;
    question(v6 ? "AAAA" : "A", node);
    if (v6 && getenv("DNS_STALL6"))
        sleep((unsigned)atoi(getenv("DNS_STALL6")));
    char *hosts = strdup(getenv("DNS_HOSTS") ? getenv("DNS_HOSTS") : "");
    int result = EAI_NONAME;
    for (char *save, *entry = strtok_r(hosts, ",", &save); entry;
         entry = strtok_r(NULL, ",", &save)) {
        char *address = strchr(entry, '=');
        if (!address)
            continue;
        *address++ = '\0';
        if (strcasecmp(entry, node) == 0) {
            result = real(address, service, hints, out);
            break;
        }
    }
    free(hosts);
    return result;
}

int res_nquery(res_state state, const char *name, int class, int type,
    unsigned char *answer, int size)
{
    (void)state;
    question(type == 33 ? "SRV" : "?", name);
    const char *srv = getenv("DNS_SRV");
    size_t len = strlen(name);
    unsigned char *p = answer, *end = answer + size;
    static const unsigned char header[12] = { 0, 1, 0x81, 0x80, 0, 1 };
    if (size < 512)
        return -1;
    memcpy(p, header, sizeof(header));
    p += sizeof(header);
    int n = ns_name_compress(name, p, (size_t)(end - p), NULL, NULL);
    if (n < 0)
        return -1;
    p += n;
    NS_PUT16(type, p);
    NS_PUT16(class, p);
    int count = 0;
    char *list = strdup(srv ? srv : "");
    for (char *save, *entry = strtok_r(list, ",", &save); entry;
         entry = strtok_r(NULL, ",", &save)) {
        unsigned priority, weight, port;
        char target[256];
        if (strncasecmp(entry, name, len) != 0 || entry[len] != '=' ||
            sscanf(entry + len + 1, "%u:%u:%u:%255s", &priority, &weight, &port,
                target) != 4 || end - p < 300)
            continue;
        NS_PUT16(0xc00c, p);
        NS_PUT16(type, p);
        NS_PUT16(class, p);
        NS_PUT32(60, p);
        unsigned char *length = p;
        p += 2;
        NS_PUT16(priority, p);
        NS_PUT16(weight, p);
        NS_PUT16(port, p);
        p += ns_name_compress(target, p, (size_t)(end - p), NULL, NULL);
        NS_PUT16(p - length - 2, length);
        count++;
    }
    free(list);
    if (!count) {
        h_errno = HOST_NOT_FOUND;
        state->res_h_errno = HOST_NOT_FOUND;
        return -1;
    }
    answer[7] = (unsigned char)count;
    return (int)(p - answer);
}
