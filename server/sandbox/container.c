/* A runtime of containers runs inside bubblewrap as any command does, but sees the machine as it is: it is the site's own
 * program. What bubblewrap gives is a namespace of processes, so that all that the runtime leaves running ends with one
 * signal and is counted meanwhile. The view that the command gets is made by the runtime from what we say: the image, read
 * alone, and our binds; none of the caller's folders, no network unless it was granted, no rights.
 *
 * References of images name a registry and never a file of this machine. podman keeps what it makes in the run's own folder,
 * since its records do not stand several namespaces of processes; images that the worker's user has pulled before are
 * read from where they are. apptainer has such a cache by itself. */
#include "sandbox/container.h"
#include "base/mem.h"
#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_REFERENCE = 400, LONGEST_TAG = 128, DIGEST_DIGITS = 64, OPEN_FILES = 1024 };

/* ---- runtimes ---- */

struct runtime {
    const char *name;
    void (*add)(struct words *words, const struct sandbox *s, uid_t uid);
    const char *environment; /* begins the name of a variable that it hands to the command */
};

static void add_apptainer(struct words *words, const struct sandbox *s, uid_t uid);
static void add_podman(struct words *words, const struct sandbox *s, uid_t uid);

static const struct runtime runtimes[] = {
    { "apptainer", add_apptainer, "APPTAINERENV_" },
    { "singularity", add_apptainer, "SINGULARITYENV_" },
    { "podman", add_podman, NULL },
};

static const struct runtime *runtime_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    for (size_t i = 0; slash && i < ARRAY_LEN(runtimes); i++)
        if (!strcmp(slash + 1, runtimes[i].name))
            return &runtimes[i];
    return NULL;
}

const char *container_runtime(const char *setting)
{
    return strcmp(setting, "none") ? setting : NULL;
}

bool container_check_runtime(const char *path, struct err *err)
{
    if (*path != '/' || !runtime_of(path))
        return err_set(err, ERR_SandboxUnavailable,
                       "packages.container: expected the path of apptainer, singularity or podman, found '%.200s'", path);
    return access(path, X_OK) == 0 || err_set(err, ERR_SandboxUnavailable, "packages.container: %.200s cannot be run", path);
}

/* ---- references ---- */

static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz0123456789";
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* How long what begins here is, when it is letters and digits with single separators in between. */
static size_t part_length(const char *at, const char *letters, const char *separators)
{
    size_t length = strspn(at, letters);

    while (length && at[length] && strchr(separators, at[length])) {
        size_t gap = strspn(at + length, separators), more = strspn(at + length + gap, letters);

        if (!more)
            return length;
        length += gap + more;
    }
    return length;
}

/* The first part is a registry when it looks like a host: as all tools have it. */
static size_t registry_length(const char *written)
{
    size_t length = strcspn(written, "/");

    if (written[length] != '/')
        return 0;
    for (size_t i = 0; i < length; i++)
        if (written[i] == '.' || written[i] == ':')
            return length;
    return length == strlen("localhost") && text_begins(written, "localhost") ? length : 0;
}

static bool is_registry(const char *at, size_t length)
{
    size_t host = part_length(at, "abcdefghijklmnopqrstuvwxyz" UPPER "0123456789", ".-"), digits;

    if (!host || host == length)
        return host == length && length;
    digits = strspn(at + host + 1, "0123456789");
    return at[host] == ':' && digits > 0 && digits <= 5 && host + 1 + digits == length;
}

/* NAME[:TAG][@sha256:DIGEST] to the end of the text. */
static bool is_image(const char *at)
{
    for (;;) {
        size_t length = part_length(at, alphanumeric, "._-");

        if (!length)
            return false;
        at += length;
        if (*at != '/')
            break;
        at++;
    }
    if (*at == ':') {
        size_t length = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz" UPPER "0123456789_.-");

        if (!length || length > LONGEST_TAG || at[1] == '.' || at[1] == '-')
            return false;
        at += 1 + length;
    }
    if (text_begins(at, "@sha256:")) {
        at += strlen("@sha256:");
        if (strspn(at, "0123456789abcdef") != DIGEST_DIGITS)
            return false;
        at += DIGEST_DIGITS;
    }
    return *at == '\0';
}

static bool is_offered(const char *registries, const char *name, size_t length)
{
    for (const char *at = registries + strspn(registries, " "); *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");

        if (word == length && !strncmp(at, name, length))
            return true;
        at += word;
    }
    return false;
}

bool container_reference(const char *written, const char *registries, char **ret_reference, struct err *err)
{
    size_t length = registry_length(written);
    const char *image = length ? written + length + 1 : written, *registry = length ? written : "docker.io";
    size_t known = length ? length : strlen(registry);

    if (strlen(written) > LONGEST_REFERENCE || (length && !is_registry(written, length)) || !is_image(image))
        return err_set(err, ERR_BadRequest,
                       "DockerRequirement: dockerPull: expected [REGISTRY/]NAME[:TAG][@sha256:DIGEST], found '%.200s'", written);
    if (!is_offered(registries, registry, known))
        return err_set(err, ERR_FeatureUnsupported,
                       "DockerRequirement: dockerPull: images come from %s on this site, not from %.*s", registries, (int)known, registry);
    *ret_reference = mem_printf("%.*s/%s%s", (int)known, registry, length || strchr(image, '/') ? "" : "library/", image);
    return true;
}

/* ---- command lines ---- */

/* A field of a line of comma-separated values. */
static char *field(const char *name, const char *value)
{
    struct text made = { 0 };
    bool quoted = strpbrk(value, ",\"\n") != NULL;

    text_printf(&made, "%s%s=", quoted ? "\"" : "", name);
    for (; *value; value++) {
        if (quoted && *value == '"')
            text_add(&made, "\"");
        text_addn(&made, value, 1);
    }
    text_add(&made, quoted ? "\"" : "");
    return text_take(&made);
}

static void add_mount(struct words *words, const struct sandbox_bind *bind)
{
    AUTO(mem) char *from = field("source", bind->outside), *to = field("destination", bind->inside);
    AUTO(mem) char *all = mem_printf("type=bind,%s,%s%s", from, to, bind->writable ? "" : ",ro");

    words_add_all(words, "--mount", all, NULL);
}

static void add_command(struct words *words, const struct sandbox *s)
{
    for (size_t i = 0; s->words[i]; i++)
        words_add_all(words, s->words[i], NULL);
}

/* The folder where the command starts is its home, which apptainer binds in a way of its own. */
static void add_apptainer(struct words *words, const struct sandbox *s, uid_t uid)
{
    words_add_all(words, "--silent", "exec", "--containall", "--no-privs", "--no-mount", "hostfs,bind-paths", NULL);
    if (uid) {
        words_add_all(words, "--security", NULL);
        words_add_number(words, "uid:%lld", uid);
        words_add_all(words, "--security", NULL);
        words_add_number(words, "gid:%lld", uid);
    } else {
        words_add_all(words, "--userns", NULL);
    }
    if (!s->network)
        words_add_all(words, "--net", "--network", "none", NULL);
    for (size_t i = 0; i < s->n_binds; i++) {
        const struct sandbox_bind *bind = &s->binds[i];
        AUTO(mem) char *home = mem_printf("%s:%s", bind->outside, bind->inside);

        if (strcmp(bind->inside, s->folder))
            add_mount(words, bind);
        else
            words_add_all(words, "--home", home, NULL);
    }
    AUTO(mem) char *image = mem_printf("docker://%s", s->container->image);

    words_add_all(words, "--pwd", s->folder, image, NULL);
}

/* Where the images of the worker's user lie. */
static void add_store(struct words *words)
{
    const char *home = getenv("HOME");
    AUTO(mem) char *store = geteuid() == 0 ? mem_text("/var/lib/containers/storage")
                                           : mem_printf("%s/.local/share/containers/storage", home ? home : "");
    AUTO(mem) char *option = mem_printf("additionalimagestore=%s", store);

    if (access(store, R_OK | X_OK) == 0)
        words_add_all(words, "--storage-opt", option, NULL);
}

static void add_podman(struct words *words, const struct sandbox *s, uid_t uid)
{
    static const struct { const char *option, *folder; } own[] = { { "--root", "store" }, { "--runroot", "run" }, { "--tmpdir", "tmp" } };

    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", s->container->scratch, own[i].folder);

        words_add_all(words, own[i].option, path, NULL);
    }
    add_store(words);
    words_add_all(words, "--cgroup-manager=cgroupfs", "run", "--rm", "--quiet", "--cgroups=disabled", "--log-driver=none", "--read-only",
                  "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges", "--hostname=sandbox",
                  "--http-proxy=false", "--entrypoint=", s->network ? "--network=host" : "--network=none", "--user", NULL);
    AUTO(mem) char *user = mem_printf("%lld:%lld", (long long)uid, (long long)uid);

    words_add_all(words, user, "--ulimit", NULL);
    words_add_number(words, "nofile=%lld", OPEN_FILES);
    words_add_all(words, "--ulimit", NULL);
    words_add_number(words, "nproc=%lld", s->limits.processes);
    for (size_t i = 0; i < s->n_binds; i++)
        add_mount(words, &s->binds[i]);
    for (size_t i = 0; s->environment && s->environment[i]; i++)
        words_add_all(words, "--env", s->environment[i], NULL);
    words_add_all(words, s->input > 0 ? "--interactive" : "--interactive=false", "--workdir", s->folder, s->container->image, NULL);
}

/* Of the runtime itself: where its cache is, and how the site reaches registries. */
static void add_environment(struct words *words, const struct sandbox *s, const struct runtime *runtime)
{
    static const char *const kept[] = { "HOME", "APPTAINER_CACHEDIR", "SINGULARITY_CACHEDIR", "HTTPS_PROXY", "https_proxy",
                                        "NO_PROXY", "no_proxy" };
    static const char *const scratch[] = { "TMPDIR", "APPTAINER_TMPDIR", "SINGULARITY_TMPDIR" };

    words_add_all(words, "--setenv", "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (getenv(kept[i]))
            words_add_all(words, "--setenv", kept[i], getenv(kept[i]), NULL);
    for (size_t i = 0; i < ARRAY_LEN(scratch); i++)
        words_add_all(words, "--setenv", scratch[i], s->container->scratch, NULL);
    for (size_t i = 0; runtime->environment && s->environment && s->environment[i]; i++) {
        const char *equals = strchr(s->environment[i], '=');
        AUTO(mem) char *name = equals ? mem_printf("%s%.*s", runtime->environment, (int)(equals - s->environment[i]), s->environment[i])
                                      : NULL;

        if (name)
            words_add_all(words, "--setenv", name, equals + 1, NULL);
    }
}

void container_add(struct words *words, const struct sandbox *s, uid_t uid)
{
    const struct runtime *runtime = runtime_of(s->container->runtime);

    if (!uid)
        words_add_all(words, "--unshare-user", NULL);
    words_add_all(words, "--dev-bind", "/", "/", "--proc", "/proc", NULL);
    add_environment(words, s, runtime);
    words_add_all(words, "--", "/usr/bin/prlimit", NULL);
    words_add_number(words, "--nproc=%lld", WORDS_NPROC(s));
    words_add_all(words, "--", s->container->runtime, NULL);
    runtime->add(words, s, uid);
    add_command(words, s);
}
