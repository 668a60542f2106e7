/* Whatever another server answers: no call of ours goes anywhere but to it, and there is a description, a state, a list of
 * results whose files are there, or a message that says why not. The input is a sequence of answers, "----" between them: a
 * line with the status, headers, an empty line, the body. The first byte says which kind of server it is. The linker puts
 * __wrap_fetch in the place of fetch(). */
#include "api/ogc/workflow.h"
#include "base/text.h"
#include "ingest/remote.h"
#include "jobs/remote.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *rest; /* of the input */
static char folder[] = "/tmp/fuzz-remote-XXXXXX";

/* "200\nlocation: x\n\nbody" */
static void take_answer(char *text, struct fetched *ret)
{
    char *line = strsep(&text, "\n"), *body = text ? strstr(text, "\n\n") : NULL;

    ret->status = atoi(line);
    if (body) {
        body[1] = '\0';
        ret->headers = mem_text(text);
        text = body + 2;
    } else if (text && *text == '\n') {
        text++;
    }
    ret->body = mem_text(text ? text : "");
    ret->size = strlen(ret->body);
}

bool __wrap_fetch(const struct fetch *what, struct fetched *ret_fetched, struct err *err);
bool __wrap_fetch(const struct fetch *what, struct fetched *ret_fetched, struct err *err)
{
    char *next = rest ? strstr(rest, "\n----\n") : NULL, *mine = rest;
    FILE *file;

    if (!what->public_only && strncmp(what->url, "http://peer.example/", strlen("http://peer.example/")))
        abort(); /* with trust, to a stranger */
    if (what->redirects || strpbrk(what->url, " \r\n"))
        abort();
    if (!rest)
        return err_set(err, ERR_Unreachable, "nobody is there");
    if (next)
        *next = '\0';
    rest = next ? next + strlen("\n----\n") : NULL;
    *ret_fetched = (struct fetched){ 0 };
    take_answer(mine, ret_fetched);
    if (!what->file || ret_fetched->status != 200)
        return true;
    if (strncmp(what->file, folder, strlen(folder)) || strchr(what->file + strlen(folder) + 1, '/') || !(file = fopen(what->file, "wxe")))
        abort(); /* out of its folder, or over another file */
    fwrite(ret_fetched->body, 1, ret_fetched->size, file);
    fclose(file);
    free(ret_fetched->body);
    ret_fetched->body = NULL;
    return true;
}

static void told(bool good, struct err *err)
{
    if (!good && !*err->message)
        abort(); /* refused without saying why */
    err_clear(err);
}

/* What is done with a description before anything is called. */
static void use(json_t *description)
{
    AUTO(json) json_t *body = json_pack("{s:{s:i, s:s}}", "inputs", "a", 1, "b", "x"), *arguments = NULL, *request = NULL;
    const char *id, *other;
    json_t *output, *input;
    struct err err = { 0 };

    told(ogc_inputs_read(json_object_get(body, "inputs"), description, NULL, NULL, &arguments, &err), &err);
    told(ogc_outputs_read(body, description, &request, &err), &err);
    json_object_foreach(json_object_get(description, "outputs"), id, output)
        json_object_foreach(json_object_get(description, "inputs"), other, input)
            told(ogc_workflow_fits(json_object_get(output, "schema"), json_object_get(input, "schema"), id, "", &err), &err);
}

static void check_files(const json_t *outputs)
{
    const char *id;
    json_t *output, *file;
    size_t i;

    json_object_foreach((json_t *)outputs, id, output)
        json_array_foreach(json_object_get(output, "files"), i, file) {
            AUTO(mem) char *path = mem_printf("%s/%s", folder, json_string_value(json_object_get(file, "name")));

            if (access(path, F_OK))
                abort();
        }
}

static void clear_folder(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (*entry->d_name != '.') {
            AUTO(mem) char *path = mem_printf("%s/%s", folder, entry->d_name);

            unlink(path);
        }
    if (dir)
        closedir(dir);
}

static void remove_folder(void)
{
    clear_folder();
    rmdir(folder);
}

static void talk(const char *kind, const char *url)
{
    const struct config config = { .workflows_servers = "http://peer.example/ogc", .workflows_openeo = "http://peer.example/openeo",
                                   .workflows_credentials = "", .workflows_results = 1 << 16 };
    AUTO(json) json_t *description = NULL, *inputs = json_pack("{s:{}}", "process_graph"), *outputs = json_pack("{s:{}, s:{}}", "a", "b");
    AUTO(json) json_t *results = NULL;
    AUTO(remote_answer) struct remote_answer begun = { 0 }, state = { 0 };
    struct err err = { 0 };
    bool good = remote_describe(&config, url, &description, &err);

    told(good, &err);
    if (good)
        use(description);
    good = remote_submit(&config, kind, url, inputs, outputs, &begun, &err);
    told(good, &err);
    if (!good)
        return;
    if (begun.job)
        told(remote_look(&config, kind, begun.job, &state, &err), &err);
    good = remote_results(&config, kind, begun.job, begun.job ? NULL : &begun.results, outputs, folder, &results, &err);
    told(good, &err);
    if (good)
        check_files(results);
    if (begun.job)
        told(remote_dismiss(&config, kind, begun.job, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    AUTO(mem) char *copy = mem_textn((const char *)data + (size > 0), size ? size - 1 : 0);
    bool openeo = size && data[0] == 'e';

    if (!is_ready && !mkdtemp(folder))
        abort();
    if (!is_ready)
        atexit(remove_folder);
    is_ready = true;
    rest = copy;
    talk(openeo ? "openeo" : "ogc", openeo ? "http://peer.example/openeo" : "http://peer.example/ogc/processes/p");
    clear_folder();
    return 0;
}
