/* config/: order of defaults, file, environment and command line; exact refusals. */
#include "base/mem.h"
#include "config/config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/sentier-config-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void later_wins(void **state)
{
    AUTO(config) struct config *config = NULL;
    struct err err = { 0 };

    (void)state;
    write_file("[http]\nport = 9000\nmax_body = 2M\n[jobs]\nlease = 20s\nkeep = 2d\n");
    setenv("SENTIER_HTTP_PORT", "9001", 1);
    assert_true(config_load(path, &config, &err));
    unsetenv("SENTIER_HTTP_PORT");
    assert_int_equal(config->http_port, 9001);
    assert_int_equal(config->http_max_body, 2 * 1024 * 1024);
    assert_int_equal(config->jobs_lease, 20);
    assert_int_equal(config->jobs_keep, 2 * 86400);
    assert_string_equal(config->auth_anonymous, "none");
    assert_int_equal(config->auth_oidc_keys_again, 60);
    assert_true(config_set(config, "http", "port", "9002", "--port", &err));
    assert_int_equal(config->http_port, 9002);
}

static void wrong_values_are_refused(void **state)
{
    static const struct { const char *file, *part; } rows[] = {
        { "[http]\nport = many\n", "http.port: expected a whole number, found 'many'" },
        { "[http]\nmax_body = 2X\n", "http.max_body: expected a number with a unit of K, M or G" },
        { "[http]\ntrusted_proxy = perhaps\n", "http.trusted_proxy: expected yes or no" },
        { "[http]\nprot = 1\n", "there is no setting http.prot" },
        { "[http\nport = 1\n", "line 1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config *config = NULL;
        struct err err = { 0 };

        write_file(rows[i].file);
        assert_false(config_load(path, &config, &err));
        assert_non_null(strstr(err.message, rows[i].part));
    }
}

/* Each row of config.def is a line of etc/sentier.conf and a word of sentier.conf(5). */
static void every_setting_is_documented(void **state)
{
    static const char *const files[] = { "etc/sentier.conf", "etc/man/sentier.conf.5" };
    const char *root = getenv("srcdir");

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        AUTO(mem) char *name = mem_printf("%s/%s", root ? root : ".", files[f]);
        FILE *file = fopen(name, "r");
        static char text[200000];
        size_t size;

        assert_non_null(file);
        size = fread(text, 1, sizeof text - 1, file);
        text[size] = '\0';
        fclose(file);
        for (size_t i = 0; i < config_row_count; i++) {
            AUTO(mem) char *line = f == 0 ? mem_printf("\n#%s = %s\n", config_rows[i].key,
                                                       config_rows[i].fallback)
                                          : mem_printf("\n.It Cm %s.%s\n", config_rows[i].section,
                                                       config_rows[i].key);

            if (!strstr(text, line))
                fail_msg("%s has no line '%s'", files[f], line + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_wins),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(every_setting_is_documented),
    };
    int descriptor = mkstemp(path), failed;

    if (descriptor < 0)
        return 1;
    close(descriptor);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
