/* Jobs that are workflows of processes: {"workflow": {"steps": {key: step}, "outputs": {name: {"step", "output"}}}}. Each step
 * is a job of its own, here or on another server. The first task gives a job to each step whose inputs are known, and
 * waits; whenever one of them has ended it looks again. An input that another step gives is put into the arguments in the form
 * that the step takes ("as"), and checked against its schema. When all is done, files are linked, not copied, into the
 * results.
 *
 * What a step gave is {output: {"value": v}} or {output: {"files": [{"name", "path", "media", "size", "job"}]}}. */
#include "base/folder.h"
#include "base/instant.h"
#include "base/text.h"
#include "cwl/cwl.h"
#include "json/js.h"
#include "json/schema.h"
#include "jobs/fields.h"
#include "jobs/perform.h"
#include "jobs/scratch.h"
#include "jobs/stac_url.h"
#include "store/steps.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_VALUE = 64 << 20 };

bool perform_is_workflow(const struct performer *p)
{
    return p->work.may_run_commands && json_object_get(p->work.process, "workflow") != NULL;
}

struct weaving {
    struct performer *performer;
    struct task *task;
    const json_t *steps;
    struct step_look look;
    json_t *fresh;  /* {key: outputs} of steps that have ended since the last look */
    json_t *ready;  /* {key: arguments} of those that can begin */
    enum hold hold;
};

static void weaving_drop(struct weaving *w)
{
    step_look_drop(&w->look);
    json_decref(w->fresh);
    json_decref(w->ready);
}

/* ---- what a step gave ---- */

static json_t *file_of(const char *job, const struct job_asset *asset)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", asset->name, "path", asset->path, "media", asset->media_type, "size",
                     (json_int_t)asset->size_bytes, "job", job);
}

/* A graph that ends in no cube, and whatever else is no file, left one JSON file. */
static bool read_values(const struct job_asset *assets, size_t count, json_t **ret_values, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (assets[i].output || strcmp(assets[i].name, "result.json"))
            continue;
        if (assets[i].size_bytes > LARGEST_VALUE)
            return err_set(err, ERR_PayloadTooLarge, "its values are larger than %d bytes", LARGEST_VALUE);
        *ret_values = json_load_file(assets[i].path, JSON_DECODE_ANY, NULL);
        return *ret_values || err_set(err, ERR_FileNotFound, "its values are no longer there");
    }
    return true;
}

static void gather(const char *job, const json_t *asked, const json_t *values, const struct job_asset *assets, size_t count,
                   json_t *outputs)
{
    const char *id;
    json_t *wish;

    json_object_foreach((json_t *)asked, id, wish) {
        const json_t *value = json_object_get(values, id);
        json_t *files = json_array();

        for (size_t i = 0; i < count; i++)
            if (assets[i].output && !strcmp(assets[i].output, id))
                json_array_append_new(files, file_of(job, &assets[i]));
        if (!value && json_object_size(asked) == 1)
            value = values;
        if (json_array_size(files))
            json_object_set_new(outputs, id, json_pack("{s:O}", "files", files));
        else if (value && !json_is_null(value))
            json_object_set_new(outputs, id, json_pack("{s:O}", "value", value));
        json_decref(files);
    }
}

static bool read_outputs(struct weaving *w, const char *key, const char *job, json_t **ret_outputs, struct err *err)
{
    const json_t *asked = json_object_get(json_object_get(json_object_get(w->steps, key), "request"), "outputs");
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *values = NULL, *outputs = json_object();
    struct job_asset *assets;
    size_t count;
    bool good;

    if (!job_asset_list(w->performer->db, arena, NULL, job, &assets, &count, err))
        return false;
    good = read_values(assets, count, &values, err);
    if (good)
        gather(job, asked, values, assets, count, outputs);
    for (size_t i = 0; i < count; i++)
        json_decref(assets[i].fields);
    if (good)
        *ret_outputs = json_incref(outputs);
    return good;
}

/* Steps that have ended: one that failed ends the workflow, with its reason. */
static bool collect(struct weaving *w, struct err *err)
{
    const char *key;
    json_t *end;

    json_object_foreach(w->look.ended, key, end) {
        json_int_t state = json_integer_value(json_object_get(end, "state"));
        const char *code = js_text(end, "code"), *message = js_text(end, "message");
        json_t *outputs;

        if (state != JOB_FINISHED)
            return err_set(err, code ? err_find(code) : ERR_JobDismissed, "Step %s: %s", key,
                           message ? message : "it was dismissed");
        if (!read_outputs(w, key, js_text(end, "job"), &outputs, err))
            return err_prefix(err, "Step %s", key);
        json_object_set_new(w->fresh, key, outputs);
        json_object_set(w->look.done, key, outputs);
    }
    return true;
}

/* ---- what a step takes ---- */

static bool read_file(const json_t *file, char **ret_bytes, size_t *ret_size, const char *pointer, struct err *err)
{
    json_int_t size = json_integer_value(json_object_get(file, "size"));
    FILE *in = fopen(js_text(file, "path"), "rbe");
    bool whole;

    if (!in)
        return err_set(err, ERR_StorageFailure, "%s: %s: %s", pointer, js_text(file, "name"), strerror(errno));
    if (size > LARGEST_VALUE) {
        fclose(in);
        return err_set(err, ERR_PayloadTooLarge, "%s: the file '%s' has %lld bytes; at most %d can be passed by value", pointer,
                       js_text(file, "name"), (long long)size, LARGEST_VALUE);
    }
    *ret_bytes = mem_alloc((size_t)size + 1);
    *ret_size = fread(*ret_bytes, 1, (size_t)size, in);
    whole = *ret_size == (size_t)size;
    fclose(in);
    if (whole)
        return true;
    free(*ret_bytes);
    return err_set(err, ERR_StorageFailure, "%s: %s: could not be read whole", pointer, js_text(file, "name"));
}

static json_t *base64_of(const char *bytes, size_t size)
{
    AUTO(text) struct text base64 = { 0 };

    text_add_base64(&base64, bytes, size);
    return json_string(base64.data ? base64.data : "");
}

/* JSON as what it says, else text; bytes only where they are asked for. */
static bool value_of_file(const json_t *file, bool bytes_wanted, const char *pointer, json_t **ret_value, struct err *err)
{
    AUTO(mem) char *bytes = NULL;
    size_t size;

    if (!read_file(file, &bytes, &size, pointer, err))
        return false;
    if (bytes_wanted)
        *ret_value = base64_of(bytes, size);
    else if (strstr(js_text(file, "media"), "json"))
        return js_parse(bytes, size, JS_DEFAULT_DEPTH, ret_value, err) || err_prefix(err, "%s", pointer);
    else
        *ret_value = json_stringn(bytes, size);
    return *ret_value || err_set(err, ERR_InvalidParameter, "%s: the file '%s' (%s) is neither JSON nor text", pointer,
                                 js_text(file, "name"), js_text(file, "media"));
}

/* Another server gets JSON and text as they are, all else as bytes that say what they are. */
static bool value_for_remote(const json_t *file, const char *pointer, json_t **ret_value, struct err *err)
{
    const char *media = js_text(file, "media");
    AUTO(mem) char *bytes = NULL;
    size_t size;

    if (strstr(media, "json") || !strncmp(media, "text/", 5))
        return value_of_file(file, false, pointer, ret_value, err);
    if (!read_file(file, &bytes, &size, pointer, err))
        return false;
    *ret_value = json_pack("{s:o, s:s, s:s}", "value", base64_of(bytes, size), "encoding", "base64", "mediaType", media);
    return true;
}

static json_t *cwl_file(const json_t *file)
{
    AUTO(mem) char *location = mem_printf("results:%s/%s", js_text(file, "job"), js_text(file, "name"));

    return json_pack("{s:s, s:s, s:O}", "class", "File", "location", location, "basename", json_object_get(file, "name"));
}

static json_t *cwl_literal(const json_t *value)
{
    AUTO(mem) char *text = json_is_string(value) ? mem_text(json_string_value(value)) : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    return json_pack("{s:s, s:s, s:s}", "class", "File", "contents", text, "basename", json_is_string(value) ? "input.txt" : "input.json");
}

static bool convert_file(const json_t *from, const json_t *file, json_t **ret_value, struct err *err)
{
    const char *as = js_text(from, "as"), *pointer = js_text(from, "pointer");

    if (!strcmp(as, "file"))
        *ret_value = cwl_file(file);
    else if (!strcmp(as, "address"))
        *ret_value = json_sprintf(STAC_URL_OF_JOB, js_text(file, "job"));
    else if (!strcmp(as, "remote"))
        return value_for_remote(file, pointer, ret_value, err);
    else
        return value_of_file(file, !strcmp(as, "bytes"), pointer, ret_value, err);
    return true;
}

/* What was computed or came from elsewhere names no file of this machine. */
static bool refuse_file(void *context, json_t *file, struct err *err)
{
    const char *location = js_text(file, "location") ? js_text(file, "location") : js_text(file, "path");

    return !location || text_begins(location, "http://") || text_begins(location, "https://") ||
           err_set(err, ERR_InvalidParameter, "%s: '%.200s' is no address (http, https) of a file", (const char *)context, location);
}

static bool convert_value(const json_t *from, const json_t *value, json_t **ret_value, struct err *err)
{
    const char *pointer = js_text(from, "pointer");

    if (!strcmp(js_text(from, "as"), "file")) {
        *ret_value = cwl_literal(value);
        return true;
    }
    *ret_value = json_deep_copy(value);
    return cwl_files_each(*ret_value, refuse_file, (void *)pointer, err);
}

/* The values of one reference, in their forms; as a list when the output has several files. */
static bool convert(const json_t *from, const json_t *outputs, json_t **ret_value, struct err *err)
{
    const json_t *output = json_object_get(outputs, js_text(from, "output")), *files = json_object_get(output, "files");
    const char *pointer = js_text(from, "pointer");
    AUTO(json) json_t *list = json_array();
    json_t *one, *value = NULL;
    size_t i;

    if (!output)
        return err_set(err, ERR_ResultNotAvailable, "%s: the step '%s' gave no output '%s'", pointer, js_text(from, "step"),
                       js_text(from, "output"));
    if (!files)
        return convert_value(from, json_object_get(output, "value"), ret_value, err);
    json_array_foreach((json_t *)files, i, one) {
        if (!convert_file(from, one, &value, err))
            return false;
        json_array_append_new(list, value);
        if (!strcmp(js_text(from, "as"), "address"))
            break; /* of all files */
    }
    *ret_value = json_incref(json_array_size(list) == 1 ? json_array_get(list, 0) : list);
    return true;
}

static bool check(const json_t *from, const json_t *value, struct err *err)
{
    const char *as = js_text(from, "as"), *pointer = js_text(from, "pointer");
    size_t i;
    json_t *one;

    if (strcmp(as, "value") && strcmp(as, "bytes"))
        return true;
    if (!json_is_true(json_object_get(from, "many")) || !json_is_array(value))
        return js_schema_check(json_object_get(from, "schema"), value, pointer, err);
    json_array_foreach((json_t *)value, i, one) {
        AUTO(mem) char *place = js_pointer_index(pointer, i);

        if (!js_schema_check(json_object_get(from, "schema"), one, place, err))
            return false;
    }
    return true;
}

static void put(const json_t *from, json_t *arguments, json_t *value_taken)
{
    const json_t *at = json_object_get(from, "at");
    const char *name = json_string_value(json_array_get(at, 0));
    AUTO(json) json_t *value = value_taken;

    if (json_array_size(at) == 2) {
        json_array_set(json_object_get(arguments, name), (size_t)json_integer_value(json_array_get(at, 1)), value);
        return;
    }
    if (json_is_true(json_object_get(from, "many")) && !json_is_array(value))
        json_object_set_new(arguments, name, json_pack("[O]", value));
    else
        json_object_set(arguments, name, value);
}

/* "modifiers" of a reference or an output, one after the other. */
static bool modify(json_t *value, const json_t *modifiers, const char *pointer, struct err *err)
{
    const json_t *one;
    size_t i;

    json_array_foreach((json_t *)modifiers, i, one)
        if (!fields_modify(value, one, pointer, err))
            return false;
    return true;
}

/* *ret_value is what the step takes by this reference, checked. */
static bool take(struct weaving *w, const json_t *from, json_t **ret_value, struct err *err)
{
    const json_t *modifiers = json_object_get(from, "modifiers");
    AUTO(json) json_t *value = NULL;

    if (!convert(from, json_object_get(w->look.done, js_text(from, "step")), &value, err) ||
        !modify(value, modifiers, js_text(from, "pointer"), err) || !check(from, value, err))
        return false;
    *ret_value = json_incref(value);
    return true;
}

/* What does not fit is told when it is there, not when all inputs of the step are. */
static bool check_fresh(struct weaving *w, const json_t *step, struct err *err)
{
    const json_t *from;
    json_t *value;
    size_t i;

    json_array_foreach(json_object_get(step, "from"), i, from) {
        if (!json_object_get(w->fresh, js_text(from, "step")))
            continue;
        if (!take(w, from, &value, err))
            return false;
        json_decref(value);
    }
    return true;
}

/* The arguments of a step with what others gave. */
static bool bind(struct weaving *w, const json_t *step, json_t **ret_arguments, struct err *err)
{
    AUTO(json) json_t *arguments = json_deep_copy(json_object_get(step, "arguments"));
    json_t *value = NULL;
    const json_t *from;
    size_t i;

    json_array_foreach(json_object_get(step, "from"), i, from) {
        if (!take(w, from, &value, err))
            return false;
        put(from, arguments, value);
    }
    *ret_arguments = json_incref(arguments);
    return true;
}

static bool is_ready(const struct weaving *w, const char *key, const json_t *step)
{
    const json_t *from;
    size_t i;

    if (json_object_get(w->look.begun, key))
        return false;
    json_array_foreach(json_object_get(step, "from"), i, from)
        if (!json_object_get(w->look.done, js_text(from, "step")))
            return false;
    return true;
}

/* What can begin does, as far as so many may be under way. */
static bool prepare(struct weaving *w, struct err *err)
{
    int64_t room = w->performer->config->workflows_at_once - (int64_t)json_object_size(w->look.begun) + (int64_t)json_object_size(w->look.done);
    const char *key;
    json_t *step, *arguments;

    json_object_foreach((json_t *)w->steps, key, step) {
        if (!is_ready(w, key, step)) {
            if (!json_object_get(w->look.begun, key) && !check_fresh(w, step, err))
                return false;
            continue;
        }
        if (room-- <= 0)
            continue; /* when others have ended */
        if (!bind(w, step, &arguments, err))
            return false;
        json_object_set_new(w->ready, key, arguments);
    }
    return true;
}

/* ---- in the queue ---- */

static bool add_child(struct db *db, struct weaving *w, const char *key, const json_t *arguments, struct err *err)
{
    const struct job_work *work = &w->performer->work;
    const json_t *step = json_object_get(w->steps, key);
    AUTO(json) json_t *elsewhere = json_pack("{s:{s:s*, s:O, s:O}}", "remote", "kind", js_text(step, "kind"), "url",
                                             json_object_get(step, "process"), "outputs",
                                             json_object_get(json_object_get(step, "request"), "outputs"));
    struct job_input in = { .owner = work->owner, .face = JOB_FACE_STEP, .process_id = js_text(step, "process"),
                            .title = js_text(step, "title"), .process = js_text(step, "kind") ? elsewhere : json_object_get(step, "unit"),
                            .arguments = arguments, .request = json_object_get(step, "request"), .class = work->class };

    if (!js_text(step, "kind")) /* an input "pause" has a job begin later, as in any request */
        in.delay_s = json_integer_value(json_object_get(arguments, "pause"));
    return step_add_child(db, w->task, key, &in, err);
}

static bool begin(struct db *db, void *arg, struct err *err)
{
    struct weaving *w = arg;
    AUTO(json) json_t *nothing = json_object();

    return task_hold(db, w->task, &w->hold, err) &&
           (w->hold != HOLD_MINE || (step_begin(db, w->task, nothing, err) && step_announce(db, w->task, w->steps, err)));
}

static bool go_on(struct db *db, void *arg, struct err *err)
{
    struct weaving *w = arg;
    const char *key;
    json_t *value;

    if (!task_hold(db, w->task, &w->hold, err))
        return false;
    if (w->hold != HOLD_MINE)
        return true;
    json_object_foreach(w->fresh, key, value)
        if (!step_finish_child(db, w->task, key, value, err))
            return false;
    json_object_foreach(w->ready, key, value)
        if (!add_child(db, w, key, value, err))
            return false;
    return step_wait(db, w->task, &w->look, err);
}

/* ---- the end ---- */

struct publishing {
    struct arena *arena;
    const char *fresh;
    struct job_asset *assets;
    size_t count, capacity;
    json_t *values, *listed; /* listed: {job: {name: fields}} */
};

static const char *free_name(const struct publishing *u, const char *wanted)
{
    const char *name = wanted;

    for (int i = 2;; i++) {
        AUTO(mem) char *path = mem_printf("%s/%s", u->fresh, name);

        if (strcmp(name, "result.json") && access(path, F_OK))
            return name;
        name = arena_printf(u->arena, "%d-%s", i, wanted);
    }
}

/* What the step's job says of a file stands in the results, too. */
static json_t *fields_of(struct performer *p, struct publishing *u, const json_t *file)
{
    const char *job = js_text(file, "job");
    struct err ignored = { 0 };
    struct job_asset *assets;
    json_t *of_job = json_object_get(u->listed, job), *fields;
    size_t count;

    if (!of_job) {
        of_job = json_object();
        json_object_set_new(u->listed, job, of_job);
        if (!job_asset_list(p->db, u->arena, NULL, job, &assets, &count, &ignored))
            count = 0;
        for (size_t i = 0; i < count; i++)
            if (assets[i].fields)
                json_object_set_new(of_job, assets[i].name, assets[i].fields);
    }
    fields = json_object_get(of_job, js_text(file, "name"));
    return fields ? json_deep_copy(fields) : json_pack("{s:[s]}", "roles", "data");
}

static bool add_file(struct performer *p, struct publishing *u, const char *output, const json_t *file, struct err *err)
{
    const char *name = free_name(u, arena_text(u->arena, js_text(file, "name")));
    AUTO(mem) char *path = mem_printf("%s/%s", u->fresh, name);

    if (link(js_text(file, "path"), path) && !cwl_copy(js_text(file, "path"), path, err))
        return false;
    u->assets = mem_grow(u->assets, &u->capacity, u->count + 1, sizeof *u->assets);
    u->assets[u->count++] = (struct job_asset){ .name = name, .media_type = arena_text(u->arena, js_text(file, "media")), .title = name,
                                                .output = arena_text(u->arena, output),
                                                .size_bytes = json_integer_value(json_object_get(file, "size")),
                                                .fields = fields_of(p, u, file) };
    return true;
}

static bool add_values(struct publishing *u, struct err *err)
{
    AUTO(mem) char *path = mem_printf("%s/result.json", u->fresh);
    struct stat st;

    if (json_dump_file(u->values, path, JSON_INDENT(2)) || stat(path, &st))
        return err_set(err, ERR_StorageFailure, "%s: could not be written", path);
    u->assets = mem_grow(u->assets, &u->capacity, u->count + 1, sizeof *u->assets);
    u->assets[u->count++] = (struct job_asset){ .name = "result.json", .media_type = "application/json", .title = "Result",
                                                .size_bytes = st.st_size, .fields = json_pack("{s:[s]}", "roles", "data") };
    return true;
}

/* An output whose fields are changed is a value, also when it was a file. */
static bool add_modified(struct weaving *w, struct publishing *u, const char *name, const json_t *port, struct err *err)
{
    AUTO(json) json_t *from = json_pack("{s:O, s:O, s:s, s:s}", "step", json_object_get(port, "step"), "output", json_object_get(port, "output"),
                                        "as", "value", "pointer", "");
    AUTO(json) json_t *value = NULL;

    if (!convert(from, json_object_get(w->look.done, js_text(port, "step")), &value, err) ||
        !modify(value, json_object_get(port, "modifiers"), "", err))
        return err_prefix(err, "The output '%s'", name);
    json_object_set(u->values, name, value);
    return true;
}

static bool list_results(struct weaving *w, struct publishing *u, struct err *err)
{
    const json_t *outputs = json_object_get(json_object_get(w->performer->work.process, "workflow"), "outputs"), *port;
    const char *name;
    json_t *file;
    size_t i;

    json_object_foreach((json_t *)outputs, name, port) {
        const json_t *made = json_object_get(json_object_get(w->look.done, js_text(port, "step")), js_text(port, "output"));

        if (json_object_get(port, "modifiers")) {
            if (!add_modified(w, u, name, port, err))
                return false;
            continue;
        }
        if (json_object_get(made, "value"))
            json_object_set(u->values, name, json_object_get(made, "value"));
        json_array_foreach(json_object_get(made, "files"), i, file)
            if (!add_file(w->performer, u, name, file, err))
                return false;
    }
    return (json_object_size(u->values) == 0 && u->count > 0) || add_values(u, err);
}

static bool publish(struct weaving *w, int64_t start, struct err *err)
{
    AUTO(mem) char *fresh = scratch_fresh_result(w->performer->config, w->task);
    AUTO(arena) struct arena *arena = arena_new();
    AUTO(json) json_t *values = json_object(), *listed = json_object();
    struct publishing u = { .arena = arena, .fresh = fresh, .values = values, .listed = listed };
    bool good = folder_make(fresh, err) && list_results(w, &u, err) &&
                perform_publish(w->performer, w->task, &(struct perform_end){ fresh, .files = u.assets, .n_files = u.count,
                                                                             .seconds = perform_seconds(start) }, err);

    for (size_t i = 0; i < u.count; i++)
        json_decref(u.assets[i].fields);
    free(u.assets);
    return good;
}

bool perform_workflow(struct performer *p, struct task *task, struct err *err)
{
    const json_t *steps = json_object_get(json_object_get(p->work.process, "workflow"), "steps");
    AUTO(weaving) struct weaving w = { .performer = p, .task = task, .steps = steps, .fresh = json_object(), .ready = json_object() };
    int64_t start = instant_monotonic();

    if (!step_look(p->db, task, &w.look, err))
        return false;
    if (!w.look.inputs && (!perform_transact(p, begin, &w, err) || w.hold == HOLD_LOST))
        return w.hold == HOLD_LOST && !err->code;
    if (!collect(&w, err) || !prepare(&w, err))
        return false;
    if (json_object_size(w.look.done) < json_object_size(steps))
        return perform_transact(p, go_on, &w, err);
    return publish(&w, start, err);
}
