/* What the command sees: /usr and what of /etc programs need to start, read-only; its own /proc; a /dev
 * without devices; the binds. The root folder itself is sealed last. Local settings below /usr/local,
 * where a service may keep secrets, are hidden.
 *
 * Rights: an ordinary user gets a user namespace, in which no further one can be made. Root needs none:
 * the command runs as a user that nobody else is (setpriv), so that the kernel's count of processes is its
 * own, too. Both end without capabilities and cannot gain any.
 *
 * A command in an image of a container sees none of this: container.c. */
#include "sandbox/words.h"
#include "base/mem.h"
#include "sandbox/container.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHARED_MEMORY_BYTES = 64 << 20 };

static void add(struct words *words, const char *word)
{
    words->list = mem_grow(words->list, &words->capacity, words->count + 2, sizeof *words->list);
    words->list[words->count++] = mem_text(word);
    words->list[words->count] = NULL;
}

void words_add_all(struct words *words, const char *first, ...)
{
    va_list more;

    va_start(more, first);
    for (const char *word = first; word; word = va_arg(more, const char *))
        add(words, word);
    va_end(more);
}

void words_add_number(struct words *words, const char *format, long long number)
{
    char text[64];

    snprintf(text, sizeof text, format, number); /* NOLINT: all formats are literals here */
    add(words, text);
}

void words_done(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i]);
    free(words->list);
    *words = (struct words){ 0 };
}

static void add_namespaces(struct words *words, const struct sandbox *s, uid_t uid)
{
    words_add_all(words, "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox", NULL);
    if (!s->network)
        add(words, "--unshare-net");
    if (uid) {
        words_add_all(words, "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID",
                      "--cap-add", "CAP_SETPCAP", NULL);
    } else {
        words_add_all(words, "--unshare-user", "--disable-userns", "--uid", NULL);
        words_add_number(words, "%lld", SANDBOX_USER);
        add(words, "--gid");
        words_add_number(words, "%lld", SANDBOX_USER);
    }
}

/* /bin and the like are folders of their own or lead into /usr. */
static void add_system(struct words *words, bool network)
{
    static const char *const beside[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32" };
    static const char *const etc[] = { "/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime",
                                       "/etc/fonts", "/etc/magic", "/etc/mime.types" };
    static const char *const net[] = { "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ssl/certs",
                                       "/etc/ca-certificates.conf", "/etc/services", "/etc/gai.conf" };
    static const char *const hidden[] = { "/usr/local/etc", "/usr/local/var", "/usr/etc" };
    char target[4096];

    words_add_all(words, "--perms", "0755", "--dir", "/etc", "--ro-bind", "/usr", "/usr", NULL);
    for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
        ssize_t length = readlink(beside[i], target, sizeof target - 1);

        if (length > 0) {
            target[length] = '\0';
            words_add_all(words, "--symlink", target, beside[i], NULL);
        } else {
            words_add_all(words, "--ro-bind-try", beside[i], beside[i], NULL);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(etc); i++)
        words_add_all(words, "--ro-bind-try", etc[i], etc[i], NULL);
    for (size_t i = 0; network && i < ARRAY_LEN(net); i++)
        words_add_all(words, "--ro-bind-try", net[i], net[i], NULL);
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        if (access(hidden[i], F_OK) == 0)
            words_add_all(words, "--tmpfs", hidden[i], "--remount-ro", hidden[i], NULL);
}

static void add_kernel(struct words *words)
{
    words_add_all(words, "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", NULL);
    words_add_number(words, "%lld", SHARED_MEMORY_BYTES);
    words_add_all(words, "--tmpfs", "/dev/shm", "--remount-ro", "/dev", NULL);
}

static void add_file(struct words *words, int file, const char *path)
{
    words_add_all(words, "--perms", "0444", "--ro-bind-data", NULL);
    words_add_number(words, "%lld", file);
    add(words, path);
}

/* Those that bubblewrap makes by itself are open to their owner alone. */
static void add_folders_above(struct words *words, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        AUTO(mem) char *above = mem_textn(path, (size_t)(slash - path));

        words_add_all(words, "--perms", "0755", "--dir", above, NULL);
    }
}

static void add_environment(struct words *words, const char *const *environment)
{
    for (; environment && *environment; environment++) {
        const char *equals = strchr(*environment, '=');
        AUTO(mem) char *name = equals ? mem_textn(*environment, (size_t)(equals - *environment)) : NULL;

        if (name)
            words_add_all(words, "--setenv", name, equals + 1, NULL);
    }
}

/* The number of processes is limited inside, where only the sandbox's own are counted. */
static void add_command(struct words *words, const struct sandbox *s, uid_t uid)
{
    words_add_all(words, "--", "/usr/bin/prlimit", NULL);
    words_add_number(words, "--nproc=%lld", WORDS_NPROC(s));
    add(words, "--");
    if (uid) {
        add(words, "/usr/bin/setpriv");
        words_add_number(words, "--reuid=%lld", uid);
        words_add_number(words, "--regid=%lld", uid);
        words_add_all(words, "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--",
                      NULL);
    }
    if (s->folder) /* by the user that may: it is no one else's */
        words_add_all(words, "/usr/bin/env", "-C", s->folder, NULL);
    for (size_t i = 0; s->words[i]; i++)
        add(words, s->words[i]);
}

void words_make(struct words *words, const struct sandbox *s, const struct words_files *files, uid_t uid)
{
    *words = (struct words){ 0 };
    words_add_all(words, "bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--clearenv", "--info-fd", NULL);
    words_add_number(words, "%lld", files->told);
    if (s->container) {
        container_add(words, s, uid);
        return;
    }
    add_namespaces(words, s, uid);
    add_system(words, s->network);
    add_kernel(words);
    add_file(words, files->users, "/etc/passwd");
    add_file(words, files->groups, "/etc/group");
    add_file(words, files->hosts, "/etc/hosts");
    for (size_t i = 0; i < s->n_binds; i++) {
        add_folders_above(words, s->binds[i].inside);
        words_add_all(words, s->binds[i].writable ? "--bind" : "--ro-bind", s->binds[i].outside,
                      s->binds[i].inside, NULL);
    }
    words_add_all(words, "--remount-ro", "/", "--chdir", "/", NULL);
    add_environment(words, s->environment);
    add_command(words, s, uid);
}
