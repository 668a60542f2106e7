/* The interpreter itself is asked, outside of any sandbox: it is the operator's choice. Nothing is imported,
 * so that the answer takes no longer than the interpreter's start. */
#include "udf/runtime.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/js.h"
#include "sandbox/sandbox.h"
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_ANSWER = 1 << 16, MOST_FOLDERS = 16 };

static const char system_python[] = "/usr/bin/python3";
static const char question[] =
    "import importlib.util as u, importlib.metadata as m, json, os, sys\n"
    "names = ('numpy', 'xarray', 'pandas', 'scipy', 'scikit-learn', 'scikit-image', 'shapely', 'geopandas',\n"
    "         'rasterio', 'netCDF4', 'h5py', 'bottleneck', 'numba', 'onnxruntime', 'torch', 'tensorflow', 'xgboost',\n"
    "         'lightgbm', 'catboost', 'joblib', 'rioxarray', 'pyproj', 'opencv-python-headless', 'fusets', 'openeo')\n"
    "found = {}\n"
    "for n in names:\n"
    "    try: found[n] = m.version(n)\n"
    "    except m.PackageNotFoundError: pass\n"
    "ready = all(u.find_spec(n) for n in ('numpy', 'xarray'))\n"
    "paths = [os.path.realpath(p) for p in sys.path + [sys.prefix, sys.base_prefix, sys.exec_prefix,\n"
    "         os.path.dirname(os.path.realpath(sys.executable))] if p and os.path.isdir(p)]\n"
    "paths += [sys.prefix]\n"
    "print(json.dumps({'version': '%d.%d.%d' % sys.version_info[:3], 'libraries': found, 'ready': ready,\n"
    "                  'paths': sorted(set(paths), key=len)}))\n";

static struct udf_runtime runtime;
static bool is_there;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *wanted; /* udf.python */

static bool ask(const char *python, struct text *answer)
{
    char *const argv[] = { (char *)python, "-I", "-c", (char *)question, NULL };
    char *const environment[] = { "LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", NULL };
    posix_spawn_file_actions_t actions;
    char bytes[4096];
    int ends[2], status = -1;
    ssize_t got;
    pid_t pid;
    bool started;

    if (pipe2(ends, O_CLOEXEC))
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    started = posix_spawn(&pid, python, &actions, NULL, argv, environment) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (started && answer->length < MOST_ANSWER && (got = read(ends[0], bytes, sizeof bytes)) > 0)
        text_addn(answer, bytes, (size_t)got);
    close(ends[0]);
    return started && waitpid(pid, &status, 0) == pid && status == 0 && answer->length > 0;
}

/* Folders below /usr, or below another that is listed (shorter ones come first), are seen anyway. */
static const char *const *folders_of(const json_t *paths)
{
    const char **list = mem_array(MOST_FOLDERS + 1, sizeof *list);
    size_t n = 0, i;
    json_t *path;

    json_array_foreach(paths, i, path) {
        const char *text = json_string_value(path);
        bool seen = !text || text_begins(text, "/usr/") || !strcmp(text, "/usr") || !strcmp(text, "/");

        for (size_t k = 0; !seen && k < n; k++)
            seen = text_begins(text, list[k]) && (text[strlen(list[k])] == '/' || !text[strlen(list[k])]);
        if (!seen && n < MOST_FOLDERS)
            list[n++] = mem_text(text);
    }
    return list;
}

static const char *const *names_of(const char *version)
{
    const char **names = mem_array(4, sizeof *names);
    const char *dot = strchr(version, '.'), *last = strrchr(version, '.');

    names[0] = mem_textn(version, dot ? (size_t)(dot - version) : strlen(version));
    names[1] = last > dot ? mem_textn(version, (size_t)(last - version)) : NULL;
    return names;
}

static bool take_answer(const char *python, const struct text *answer)
{
    static json_t *json; /* the runtime's texts live in it, until the program ends */
    struct err err = { 0 };
    const char *version;

    if (!js_parse(answer->data, answer->length, JS_DEFAULT_DEPTH, &json, &err))
        return false;
    version = js_text(json, "version");
    if (!version || !json_is_true(json_object_get(json, "ready")))
        return false;
    runtime.python = mem_text(python);
    runtime.version = version;
    runtime.names = names_of(version);
    runtime.folders = folders_of(json_object_get(json, "paths"));
    runtime.libraries = json_object_get(json, "libraries");
    return true;
}

static void find(void)
{
    const char *python = !strcmp(wanted, "auto") ? system_python : wanted;
    AUTO(text) struct text answer = { 0 };
    struct err err = { 0 };

    is_there = strcmp(wanted, "none") && access(python, X_OK) == 0 && ask(python, &answer) &&
               take_answer(python, &answer) && sandbox_check(&err);
}

const struct udf_runtime *udf_runtime(const struct config *config)
{
    pthread_mutex_lock(&lock);
    if (!wanted)
        wanted = mem_text(config->udf_python);
    pthread_mutex_unlock(&lock);
    pthread_once(&once, find);
    return is_there ? &runtime : NULL;
}

json_t *udf_runtimes(const struct config *config)
{
    const struct udf_runtime *r = udf_runtime(config);
    json_t *versions = json_object();

    if (!r) {
        json_decref(versions);
        return json_object();
    }
    for (size_t i = 0; r->names[i]; i++) {
        json_t *libraries = json_object();
        const char *name;
        json_t *version;

        json_object_foreach((json_t *)r->libraries, name, version)
            json_object_set_new(libraries, name, json_pack("{s:O}", "version", version));
        json_object_set_new(versions, r->names[i], json_pack("{s:o}", "libraries", libraries));
    }
    return json_pack("{s:{s:s, s:s, s:s, s:s, s:o}}", "Python", "title", "Python", "description",
                     "Functions of the openEO Python UDF interface (apply_datacube, apply_timeseries, apply_udf_data) "
                     "over xarray, without network and files.", "type", "language", "default", r->names[0],
                     "versions", versions);
}
