/* net/: outgoing requests against a server of three lines, and what they must refuse. */
#include "base/instant.h"
#include "base/mem.h"
#include "net/fetch.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static int listener, port;

/* Answers by path: /big without end, /hang not at all, /go redirects to itself, else the request. */
static void answer(int client)
{
    char request[4096] = "", reply[8192];
    ssize_t got = read(client, request, sizeof request - 1);

    if (got <= 0 || strstr(request, "/hang")) {
        sleep(got > 0 ? 2 : 0);
        return;
    }
    if (strstr(request, "/go"))
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

static void private_addresses_are_refused(void **state)
{
    static const char *const urls[] = {
        "http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/", "http://10.1.2.3/", "http://0/",
        "http://169.254.169.254/latest/meta-data", "http://192.168.1.1/", "http://172.20.0.1/",
        "http://[::ffff:127.0.0.1]:9/", "http://[fe80::1]/", "http://[fd00::1]/", "http://2130706433/",
        "http://0x7f.1/", "http://100.64.0.1/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
        "http://224.0.0.1/", "http://255.255.255.255/",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct fetched got = { 0 };
        struct err err = { 0 };

        assert_false(fetch(&(struct fetch){ .url = urls[i], .timeout_ms = 2000, .public_only = true }, &got,
                           &err));
        if (!strstr(err.message, "not a public one") && !strchr(urls[i], '['))
            fail_msg("%s: %s", urls[i], err.message);
    }
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
        cmocka_unit_test(other_schemes_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
