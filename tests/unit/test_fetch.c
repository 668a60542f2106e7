/* net/: outgoing requests against a server of three lines, and what they must refuse. */
#include "base/instant.h"
#include "base/mem.h"
#include "net/fetch.h"
#include <arpa/inet.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

static int listener, port;
static atomic_int answered;

/* ---- the net, as libcurl sees it: both functions are called instead of the C library's ---- */

/* A name stands for what it begins with; "public" is an address that is not private, and leads here. */
#define PUBLIC 0x08080808u

static const struct { const char *name; uint32_t addresses[2]; } names[] = {
    { "public.example", { PUBLIC } },
    { "private.example", { 0x0a000001 } },
    { "loopback.example", { INADDR_LOOPBACK } },
    { "both.example", { 0x0a000001, INADDR_LOOPBACK } },
    { "localhost", { INADDR_LOOPBACK } },
    { "localhost.", { INADDR_LOOPBACK } },
};

static struct addrinfo *address_of(uint32_t number, const char *service)
{
    struct addrinfo *info = mem_array(1, sizeof *info + sizeof(struct sockaddr_in));
    struct sockaddr_in *address = (struct sockaddr_in *)(info + 1);

    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(number),
                                     .sin_port = htons((uint16_t)(service ? atoi(service) : 0)) };
    *info = (struct addrinfo){ .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP,
                               .ai_addrlen = sizeof *address, .ai_addr = (struct sockaddr *)address };
    return info;
}

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict ret_first)
{
    struct addrinfo **last = ret_first;

    (void)hints;
    *ret_first = NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (size_t k = 0; k < 2 && !strcmp(names[i].name, node) && names[i].addresses[k]; k++) {
            *last = address_of(names[i].addresses[k], service);
            last = &(*last)->ai_next;
        }
    return *ret_first ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *first)
{
    for (struct addrinfo *next; first; first = next) {
        next = first->ai_next;
        free(first);
    }
}

int connect(int fd, const struct sockaddr *to, socklen_t size)
{
    struct sockaddr_in four = { 0 };

    if (to->sa_family == AF_INET && size == sizeof four) {
        memcpy(&four, to, sizeof four);
        if (four.sin_addr.s_addr == htonl(PUBLIC)) {
            four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            to = (struct sockaddr *)&four;
        }
    }
    return (int)syscall(SYS_connect, fd, to, size);
}

/* ---- the server ---- */

/* Answers by path: /big without end, /hang not at all, /go redirects to itself, /to/URL there, else the
 * request. */
static void answer(int client)
{
    char request[4096] = "", reply[8192];
    ssize_t got = read(client, request, sizeof request - 1);
    const char *to = strstr(request, "/to/");

    answered++;
    if (got <= 0 || strstr(request, "/hang")) {
        sleep(got > 0 ? 2 : 0);
        return;
    }
    if (to)
        snprintf(reply, sizeof reply, "HTTP/1.1 302 Found\r\nLocation: %.*s\r\nContent-Length: 0\r\n\r\n",
                 (int)strcspn(to + 4, " "), to + 4);
    else if (strstr(request, "/go"))
        snprintf(reply, sizeof reply, "HTTP/1.1 302 Found\r\nLocation: /go\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(request, "/away"))
        snprintf(reply, sizeof reply, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(request, "/big"))
        snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\n\r\n");
    else
        snprintf(reply, sizeof reply, "HTTP/1.1 201 Made\r\nX-Seen:  yes \r\nContent-Length: %zu\r\n\r\n%s",
                 strlen(request), request);
    if (write(client, reply, strlen(reply)) < 0)
        return;
    for (int i = 0; strstr(request, "/big") && i < 10000; i++)
        if (send(client, reply, sizeof reply, MSG_NOSIGNAL) < 0)
            return;
}

static void *serve(void *arg)
{
    int client;

    while ((client = accept(listener, NULL, NULL)) >= 0) {
        answer(client);
        close(client);
    }
    return arg;
}

static bool get(const char *path, struct fetch what, struct fetched *answer_, struct err *err)
{
    AUTO(mem) char *url = mem_printf("http://127.0.0.1:%d%s", port, path);

    what.url = url;
    return fetch(&what, answer_, err);
}

static void answers_come_whole(void **state)
{
    AUTO(fetched) struct fetched got = { 0 };
    struct err err = { 0 };

    (void)state;
    assert_true(get("/x", (struct fetch){ .body = "a=1", .body_size = 3, .headers = { "X-Mine: 5" },
                                          .user = "u", .password = "p" }, &got, &err));
    assert_int_equal(got.status, 201);
    assert_non_null(strstr(got.body, "POST /x"));
    assert_non_null(strstr(got.body, "X-Mine: 5"));
    assert_non_null(strstr(got.body, "Authorization: Basic dTpw"));
    AUTO(mem) char *seen = fetched_header(&got, "x-seen"), *none = fetched_header(&got, "x-none");

    assert_string_equal(seen, "yes");
    assert_null(none);
}

static void everything_has_an_end(void **state)
{
    struct fetched got = { 0 };
    struct err err = { 0 };
    int64_t begun = instant_monotonic();

    (void)state;
    assert_false(get("/hang?token=abc", (struct fetch){ .timeout_ms = 300 }, &got, &err));
    assert_int_equal(err.code, ERR_Unreachable);
    assert_null(strstr(err.message, "token"));
    assert_true(instant_monotonic() - begun < 1500);
    err_clear(&err);
    assert_false(get("/big", (struct fetch){ .max_size = 100000 }, &got, &err));
    assert_non_null(strstr(err.message, "too large"));
    err_clear(&err);
    assert_false(get("/go", (struct fetch){ .redirects = 3 }, &got, &err));
    err_clear(&err);
    assert_false(get("/away", (struct fetch){ .redirects = 3 }, &got, &err));
    err_clear(&err);
    assert_true(get("/go", (struct fetch){ 0 }, &got, &err));
    assert_int_equal(got.status, 302);
    fetched_drop(&got);
}

/* Written in every way that a resolver or libcurl understands; PORT is the server's. */
static const char *const private_urls[] = {
    "http://127.0.0.1:PORT/", "http://localhost:PORT/", "http://LocalHost.:PORT/", "http://a.localhost:PORT/",
    "http://127.0.0.1.:PORT/", "http://127.1:PORT/", "http://2130706433:PORT/", "http://0x7f000001:PORT/",
    "http://0x7f.1:PORT/", "http://0177.0.0.1:PORT/", "http://017700000001:PORT/", "http://0177.0x0.1:PORT/",
    "http://\u2460\u2461\u2466.0.0.1:PORT/", "http://\u2461130706433:PORT/", "http://\uff11\uff12\uff17.0.0.1:PORT/",
    "http://127\u30020.0.1:PORT/", "http://%31%32%37.0.0.1:PORT/",
    "http://[::1]:PORT/", "http://[0:0:0:0:0:0:0:1]:PORT/", "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/", "http://[::127.0.0.1]:PORT/", "http://[64:ff9b::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/", "http://[fe80::1]/", "http://[fd00::1]/", "http://[::]:PORT/",
    "http://0:PORT/", "http://10.1.2.3/", "http://192.168.1.1/", "http://172.20.0.1/", "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data", "http://224.0.0.1/", "http://255.255.255.255/",
};

/* The URL with the server's port; the caller frees. */
static char *url_here(const char *url)
{
    const char *at = strstr(url, "PORT");

    return at ? mem_printf("%.*s%d%s", (int)(at - url), url, port, at + 4) : mem_text(url);
}

static void refuse(const char *url, int redirects)
{
    struct fetched got = { 0 };
    struct err err = { 0 };
    bool good = fetch(&(struct fetch){ .url = url, .timeout_ms = 5000, .public_only = true, .redirects = redirects },
                      &got, &err);

    if (good)
        fail_msg("%s was called: %d", url, got.status);
    assert_int_equal(err.code, ERR_Unreachable);
    err_clear(&err);
}

static void private_addresses_are_refused(void **state)
{
    int before = answered;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(private_urls); i++) {
        AUTO(mem) char *url = url_here(private_urls[i]);
        struct err err = { 0 };
        bool public_only;

        refuse(url, 0);
        if (fetch_may_call(url, "", &public_only, &err))
            fail_msg("%s may be named", url);
        assert_int_equal(err.code, ERR_InvalidParameter);
        err_clear(&err);
    }
    assert_int_equal(answered, before);
}

/* What is connected to is judged, whatever a name looked like. */
static void names_are_judged_by_their_addresses(void **state)
{
    static const char *const hosts[] = { "private.example", "loopback.example", "both.example", "localhost." };
    AUTO(fetched) struct fetched got = { 0 };
    struct err err = { 0 };
    int before = answered;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        AUTO(mem) char *url = mem_printf("http://%s:%d/", hosts[i], port);
        bool public_only;

        if (strcmp(hosts[i], "localhost.")) {
            assert_true(fetch_may_call(url, "", &public_only, &err));
            assert_true(public_only);
        }
        refuse(url, 0);
    }
    assert_int_equal(answered, before);
    AUTO(mem) char *url = mem_printf("http://public.example:%d/", port);

    assert_true(fetch(&(struct fetch){ .url = url, .public_only = true }, &got, &err));
    assert_int_equal(got.status, 201);
}

static void redirects_to_private_addresses_are_refused(void **state)
{
    static const char *const hosts[] = { "http://loopback.example:PORT/", "http://both.example:PORT/" };
    AUTO(fetched) struct fetched got = { 0 };
    struct err err = { 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(private_urls) + ARRAY_LEN(hosts); i++) {
        size_t more = i - ARRAY_LEN(private_urls);
        AUTO(mem) char *to = url_here(i < ARRAY_LEN(private_urls) ? private_urls[i] : hosts[more]);
        AUTO(mem) char *url = mem_printf("http://public.example:%d/to/%s", port, to);
        int before = answered;

        refuse(url, 3);
        assert_int_equal(answered, before + 1); /* the redirect alone */
    }
    AUTO(mem) char *url = mem_printf("http://public.example:%d/to/http://public.example:%d/", port, port);

    assert_true(fetch(&(struct fetch){ .url = url, .public_only = true, .redirects = 3 }, &got, &err));
    assert_int_equal(got.status, 201);
}

static void other_schemes_are_refused(void **state)
{
    static const char *const urls[] = { "file:///etc/passwd", "ftp://h/", "gopher://h/", "", "//h", "http:" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct fetched got = { 0 };
        struct err err = { 0 };

        assert_false(fetch(&(struct fetch){ .url = urls[i], .timeout_ms = 1000 }, &got, &err));
        assert_int_equal(err.code, ERR_Unreachable);
    }
}

static int set_up(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    struct err err = { 0 };
    pthread_t thread;

    (void)state;
    if (!setlocale(LC_ALL, "C.UTF-8")) /* as the program has it: libcurl reads names by it */
        return 1;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 8) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0 || !fetch_init(&err))
        return 1;
    port = ntohs(address.sin_port);
    return pthread_create(&thread, NULL, serve, NULL) || pthread_detach(thread);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_whole),
        cmocka_unit_test(everything_has_an_end),
        cmocka_unit_test(private_addresses_are_refused),
        cmocka_unit_test(names_are_judged_by_their_addresses),
        cmocka_unit_test(redirects_to_private_addresses_are_refused),
        cmocka_unit_test(other_schemes_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
