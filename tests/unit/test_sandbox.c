/* Commands that mean harm, each stopped by its own bound and named; as root and as an ordinary user. */
#include "base/auto.h"
#include "base/mem.h"
#include "base/text.h"
#include "sandbox/sandbox.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* last: cmocka needs what stands above */
#include <cmocka.h>

#define MIB (1LL << 20)
enum { NOBODY = 65534 };

struct place {
    char folder[64], work[80], input[80], secret[80];
    struct text log;
};

static void tell(void *context, bool is_error, const char *line)
{
    struct place *place = context;

    text_printf(&place->log, "%s%s\n", is_error ? "! " : "", line);
}

static void write_file(const char *path, const char *content, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    chmod(path, mode);
}

static void make_place(struct place *place)
{
    *place = (struct place){ 0 };
    strcpy(place->folder, "/tmp/test-sandbox-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->work, sizeof place->work, "%s/work", place->folder);
    snprintf(place->input, sizeof place->input, "%s/input", place->folder);
    snprintf(place->secret, sizeof place->secret, "%s/secret", place->folder);
    mkdir(place->work, 0700);
    write_file(place->input, "an input\n", 0644);
    write_file(place->secret, "the key\n", 0644);
}

static void remove_place(struct place *place)
{
    AUTO(mem) char *command = mem_printf("rm -rf %s", place->folder);

    assert_int_equal(system(command), 0);
    text_drop(&place->log);
}

static bool run(struct place *place, const char *script, const struct sandbox_limits *limits,
                struct sandbox_end *end, struct err *err)
{
    const struct sandbox_bind binds[] = { { place->input, "/in/data", false }, { place->work, "/work", true } };
    char *words[] = { "/bin/sh", "-c", mem_text(script), NULL };
    static const char *const environment[] = { "PATH=/usr/bin:/bin", "HOME=/work", NULL };
    struct sandbox s = { .words = words, .environment = environment, .binds = binds,
                         .n_binds = ARRAY_LEN(binds), .folder = "/work", .limits = *limits,
                         .line = tell, .context = place };
    bool good = sandbox_run(&s, end, err);

    free(words[2]);
    return good;
}

static const struct sandbox_limits usual = { 256 * MIB, 64 * MIB, 1000, 40, 60, 60000, 20000 };

static const struct row {
    const char *what, *script;
    struct sandbox_limits limits; /* 0: the usual one */
    enum sandbox_ending ending;
    int status;
    const char *message, *log, *not_in_log;
} rows[] = {
    { "works", "cat /in/data; pwd; echo done > out; echo $HOME; exec 1>&2; echo e", { 0 }, SANDBOX_EXITED, 0, "",
      "an input\n/work\n/work\n! e\n", NULL },
    { "status", "echo why >&2; exit 3", { 0 }, SANDBOX_EXITED, 3, "it ended with status 3: why", "! why", NULL },
    { "signal", "kill -SEGV $$", { 0 }, SANDBOX_SIGNALED, 11, "signal 11", NULL, NULL },
    { "no such command", "exec /no/such/command", { 0 }, SANDBOX_EXITED, 127, "not found", NULL, NULL },
    { "forks without end", "exec python3 -c \"\nimport os\nwhile True:\n try:\n  os.fork()\n except OSError:\n  pass\"",
      { 0 }, SANDBOX_PROCESSES, 0, "more than 40 processes", NULL, NULL },
    { "fills the disk", "cat /dev/zero > a & cat /dev/zero > b & cat /dev/zero > c; wait; sleep 50", { 0 },
      SANDBOX_DISK, 0, "wrote more than 64 MiB", NULL, NULL },
    { "fills it with a file that was removed",
      "exec 3> gone; rm gone; for i in 1 2 3 4 5; do head -c 20000000 /dev/zero >&3; exec 4> g$i 3>&4; rm g$i; eval \"exec $((i+4))>&4\" ; done; sleep 50",
      { 0 }, SANDBOX_DISK, 0, "wrote more than", NULL, NULL },
    { "makes files without end", "i=0; while :; do i=$((i+1)); : > f$i; done", { 0 }, SANDBOX_FILES, 0,
      "more than 1000 files", NULL, NULL },
    { "eats memory in many processes",
      "for i in 1 2 3 4 5 6; do (x=$(head -c 90000000 /dev/zero | tr '\\0' x); sleep 50) & done; wait", { 0 },
      SANDBOX_MEMORY, 0, "more than 256 MiB of memory", NULL, NULL },
    { "eats memory in one process", "python3 -c 'x = bytearray(2 << 30)'", { 0 }, SANDBOX_EXITED, 1,
      "MemoryError", NULL, NULL },
    { "burns the processor", "(while :; do :; done) & while :; do :; done", { .cpu_seconds = 1 }, SANDBOX_CPU, 0,
      "more than 1 s of CPU time", NULL, NULL },
    { "ignores SIGTERM", "trap '' TERM HUP INT QUIT; setsid sh -c 'trap \"\" TERM HUP; sleep 1000' & sleep 1000",
      { .wall_ms = 300 }, SANDBOX_TIME, 0, "more than 0.3 s", NULL, NULL },
    { "talks without end", "while :; do echo more; done", { .log_bytes = 1000, .wall_ms = 300 }, SANDBOX_TIME, 0, "",
      "(more than 1000 bytes were written; the rest is not kept)", NULL },
    { "reads /etc/passwd", "cat /etc/passwd /etc/shadow; id -un", { 0 }, SANDBOX_EXITED, 0, "", "user\n", "root:" },
    { "looks for others' files", "ls / /root /home /tmp /var /etc/sentier /run; cat /tmp/*/secret; find / -name secret 2>/dev/null; true",
      { 0 }, SANDBOX_EXITED, 0, "", NULL, "the key" },
    { "writes outside", "for f in /x /usr/x /etc/x /in/data /in/x /dev/x /proc/sys/kernel/hostname /tmp/x; do echo bad > $f && echo WROTE $f; done 2>/dev/null; true",
      { 0 }, SANDBOX_EXITED, 0, "", NULL, "WROTE" },
    { "sees others' processes", "[ $(ls /proc | grep -c '^[0-9]') -lt 9 ] && echo few; kill -9 1; true", { 0 },
      SANDBOX_EXITED, 0, "", "few", NULL },
    { "opens sockets", "python3 -c \"\nimport socket\nfor a in [('127.0.0.1', PORT), ('169.254.169.254', 80), ('8.8.8.8', 53)]:\n try:\n  socket.create_connection(a, 3); print('CONNECTED', a)\n except OSError as e: print('refused')\"",
      { 0 }, SANDBOX_EXITED, 0, "", "refused\nrefused\nrefused\n", "CONNECTED" },
    { "wants more rights", "unshare -Ur true && echo GOT a user namespace; mount -t tmpfs x /work && echo GOT a mount; chown 0:0 /work && echo GOT root; mknod n b 8 0 && echo GOT a device; grep -h CapEff /proc/self/status; true",
      { 0 }, SANDBOX_EXITED, 0, "", "CapEff:\t0000000000000000", "GOT a mount" },
};

static struct sandbox_limits limits_of(const struct row *row)
{
    struct sandbox_limits limits = usual;

    limits.wall_ms = row->limits.wall_ms ? row->limits.wall_ms : limits.wall_ms;
    limits.cpu_seconds = row->limits.cpu_seconds ? row->limits.cpu_seconds : limits.cpu_seconds;
    limits.log_bytes = row->limits.log_bytes ? row->limits.log_bytes : limits.log_bytes;
    return limits;
}

/* A server of this machine that the command must not reach. */
static int listen_somewhere(int *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server, 1), 0);
    getsockname(server, (struct sockaddr *)&address, &size);
    *ret_port = ntohs(address.sin_port);
    return server;
}

static void check_row(const struct row *row, int port)
{
    struct sandbox_limits limits = limits_of(row);
    struct sandbox_end end = { 0 };
    struct err err = { 0 };
    struct place place;
    struct text script = { 0 };
    const char *mark = strstr(row->script, "PORT");

    make_place(&place);
    text_addn(&script, row->script, mark ? (size_t)(mark - row->script) : strlen(row->script));
    if (mark)
        text_printf(&script, "%d%s", port, mark + 4);
    if (!run(&place, script.data, &limits, &end, &err))
        fail_msg("%s: %s", row->what, err.message);
    text_add(&place.log, "");
    if (end.ending != row->ending || (row->ending == SANDBOX_EXITED && end.status != row->status) ||
        !strstr(end.message, row->message) || (row->log && !strstr(place.log.data, row->log)) ||
        (row->not_in_log && strstr(place.log.data, row->not_in_log)))
        fail_msg("%s: ending %d, status %d, '%s', log: %s", row->what, end.ending, end.status, end.message,
                 place.log.data);
    text_drop(&script);
    remove_place(&place);
}

static void all_rows(void)
{
    int port, server = listen_somewhere(&port);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i], port);
    close(server);
}

/* At the same time as an ordinary user, when we are root. */
static void what_a_command_may_not_do(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    pid = geteuid() == 0 ? fork() : -1;
    if (pid == 0) {
        if (setgid(NOBODY) || setuid(NOBODY))
            _exit(99);
        all_rows();
        _exit(0);
    }
    all_rows();
    if (pid > 0)
        waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void it_is_not_offered_without_bubblewrap(void **state)
{
    AUTO(mem) char *path = mem_text(getenv("PATH"));
    struct err err = { 0 };

    (void)state;
    assert_true(sandbox_check(&err));
    setenv("PATH", "/no/such/folder", 1);
    assert_false(sandbox_check(&err));
    assert_int_equal(err.code, ERR_SandboxUnavailable);
    assert_string_equal(err.message, "bubblewrap (the command bwrap) is not installed");
    setenv("PATH", path, 1);
}

static void a_conversation(void **state)
{
    static const struct sandbox_limits limits = { 256 * MIB, MIB, 100, 40, 60, 60000, 20000 };
    char *const words[] = { "/bin/cat", NULL };
    int to[2], from[2];
    struct sandbox_process *p;
    struct sandbox_end end;
    struct err err = { 0 };
    char bytes[16] = "";

    (void)state;
    assert_int_equal(pipe(to) | pipe(from), 0);
    struct sandbox s = { .words = words, .limits = limits, .input = to[0], .output = from[1] };
    assert_true(sandbox_start(&s, &p, &err));
    close(to[0]);
    close(from[1]);
    assert_int_equal(write(to[1], "hello", 5), 5);
    assert_int_equal(read(from[0], bytes, 5), 5);
    assert_string_equal(bytes, "hello");
    assert_true(sandbox_step(p, 0));
    close(to[1]);
    while (sandbox_step(p, 20))
        ;
    sandbox_finish(p, &end);
    assert_int_equal(end.ending, SANDBOX_EXITED);
    assert_int_equal(end.status, 0);
    close(from[0]);
}

/* Whoever lives inside holds the pipe's other end. */
static void nothing_is_left_behind(void **state)
{
    static const struct sandbox_limits limits = { 256 * MIB, MIB, 100, 40, 60, 60000, 20000 };
    char *const words[] = { "/bin/sh", "-c", "(trap '' TERM HUP INT; setsid sleep 4711; sleep 4711) & echo parent", NULL };
    struct sandbox_end end;
    struct err err = { 0 };
    char bytes[16];
    int from[2];

    (void)state;
    assert_int_equal(pipe2(from, O_NONBLOCK), 0);
    struct sandbox s = { .words = words, .limits = limits, .output = from[1] };
    assert_true(sandbox_run(&s, &end, &err));
    assert_int_equal(end.status, 0);
    close(from[1]);
    assert_int_equal(read(from[0], bytes, sizeof bytes), 7);
    assert_int_equal(read(from[0], bytes, sizeof bytes), 0); /* the end, at once */
    close(from[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_not_offered_without_bubblewrap),
        cmocka_unit_test(a_conversation),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(what_a_command_may_not_do),
    };

    /* most containers give no namespaces: there commands of users are not offered */
    if (system("bwrap --unshare-all --ro-bind / / true") != 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
