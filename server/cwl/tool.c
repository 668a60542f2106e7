/* Runs one tool: files staged, command made, run in the sandbox, outputs collected. An ExpressionTool has no
 * command: its expression is its outputs. */
#include "cwl/tool.h"
#include "json/js.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MEBIBYTE = 1 << 20 };

/* ---- what the tool is given ---- */

static bool resource(struct tool *t, const char *least, const char *most, double fallback, double *ret_value,
                     struct err *err)
{
    const json_t *wanted = cwl_requirement(t->process, "ResourceRequirement", NULL);
    const json_t *value = json_object_get(wanted, least);
    AUTO(json) json_t *made = NULL;

    if (!value)
        value = json_object_get(wanted, most);
    *ret_value = fallback;
    if (!value)
        return true;
    if (!cwl_evaluate(&t->scope, value, &made, err))
        return err_prefix(err, "ResourceRequirement: %s", least);
    if (!json_is_number(made))
        return err_set(err, ERR_BadRequest, "ResourceRequirement: %s: expected a number, found %s", least, js_type_name(made));
    *ret_value = json_number_value(made);
    return true;
}

static bool make_runtime(struct tool *t, struct err *err)
{
    double cores, memory, out, tmp;

    if (!resource(t, "coresMin", "coresMax", 1, &cores, err) || !resource(t, "ramMin", "ramMax", 256, &memory, err) ||
        !resource(t, "outdirMin", "outdirMax", 1024, &out, err) || !resource(t, "tmpdirMin", "tmpdirMax", 1024, &tmp, err))
        return false;
    if (ceil(cores) > (double)t->run->site.cores)
        return err_set(err, ERR_FeatureUnsupported, "ResourceRequirement: %g cores are wanted; a task here has %lld",
                       cores, (long long)t->run->site.cores);
    if (memory * MEBIBYTE > (double)t->run->limits.memory_bytes)
        return err_set(err, ERR_MemoryExceeded, "ResourceRequirement: %g MiB of memory are wanted; a task here has %lld",
                       memory, (long long)(t->run->limits.memory_bytes / MEBIBYTE));
    t->runtime = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "outdir", TOOL_WORK, "tmpdir", TOOL_TMP, "cores",
                           (json_int_t)ceil(cores), "ram", (json_int_t)ceil(memory), "outdirSize",
                           (json_int_t)ceil(out), "tmpdirSize", (json_int_t)ceil(tmp));
    t->scope.runtime = t->runtime;
    return true;
}

static bool make_folders(struct tool *t, struct err *err)
{
    char **const folders[] = { &t->work, &t->tmp, &t->literals, &t->scratch };
    static const char *const names[] = { "work", "tmp", "literals", "runtime" };

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        *folders[i] = mem_printf("%s/%s", t->run->folder, names[i]);
        if (mkdir(*folders[i], 0755))
            return err_set(err, ERR_StorageFailure, "%s: %s", *folders[i], strerror(errno));
    }
    return true;
}

/* ---- the command ---- */

static int open_output(const struct tool *t, const char *name)
{
    AUTO(mem) char *path = mem_printf("%s/%s", t->work, name);

    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
}

static bool time_limit(struct tool *t, struct sandbox_limits *limits, struct err *err)
{
    const json_t *wanted = json_object_get(cwl_requirement(t->process, "ToolTimeLimit", NULL), "timelimit");
    AUTO(json) json_t *made = NULL;
    double seconds;

    if (!wanted)
        return true;
    if (!cwl_evaluate(&t->scope, wanted, &made, err))
        return err_prefix(err, "ToolTimeLimit");
    seconds = json_number_value(made);
    if (!json_is_number(made) || seconds < 0)
        return err_set(err, ERR_BadRequest, "ToolTimeLimit: expected a number of seconds that is not negative");
    if (seconds > 0 && seconds * 1000 < (double)limits->wall_ms)
        limits->wall_ms = (int64_t)(seconds * 1000);
    return true;
}

static bool wants_network(struct tool *t, bool *ret_network, struct err *err)
{
    const json_t *wanted = json_object_get(cwl_requirement(t->process, "NetworkAccess", NULL), "networkAccess");
    AUTO(json) json_t *made = NULL;

    *ret_network = false;
    if (!wanted)
        return true;
    if (!cwl_evaluate(&t->scope, wanted, &made, err))
        return err_prefix(err, "NetworkAccess");
    *ret_network = json_is_true(made);
    return !*ret_network || t->run->site.network ||
           err_set(err, ERR_FeatureUnsupported, "NetworkAccess: this site gives packages no network");
}

static bool has_code(const json_t *process, const char *member, int status)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(process, member), i, one)
        if (json_integer_value(one) == status)
            return true;
    return false;
}

static bool judge(const struct tool *t, const struct sandbox_end *end, struct err *err)
{
    const char *command = t->words[0];

    if (end->ending == SANDBOX_EXITED &&
        (has_code(t->process, "successCodes", end->status) ||
         (end->status == 0 && !has_code(t->process, "permanentFailCodes", 0) && !has_code(t->process, "temporaryFailCodes", 0))))
        return true;
    return err_set(err, ERR_CommandFailed, "The command '%.100s' failed: %s", command,
                   *end->message ? end->message : "it ended with a status that counts as failure");
}

static bool run_sandbox(struct tool *t, struct sandbox *s, struct sandbox_end *end, struct err *err)
{
    AUTO(mem) struct sandbox_bind *binds = mem_array(t->n_binds + 2, sizeof *binds);
    int input = t->stdin_path ? open(t->stdin_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : 0;
    int output = t->stdout_name ? open_output(t, t->stdout_name) : 0;
    bool same = t->stderr_name && t->stdout_name && !strcmp(t->stderr_name, t->stdout_name);
    int errors = same ? output : t->stderr_name ? open_output(t, t->stderr_name) : 0;
    bool good = input >= 0 && output >= 0 && errors >= 0;

    binds[0] = (struct sandbox_bind){ t->work, TOOL_WORK, true };
    binds[1] = (struct sandbox_bind){ t->tmp, TOOL_TMP, true };
    for (size_t i = 0; i < t->n_binds; i++)
        binds[i + 2] = (struct sandbox_bind){ t->binds[i].outside, t->binds[i].inside, false };
    s->binds = binds;
    s->n_binds = t->n_binds + 2;
    s->input = input;
    s->output = output;
    s->errors = errors;
    good = good ? sandbox_run(s, end, err)
                : err_set(err, ERR_StorageFailure, "A file for stdin, stdout or stderr could not be opened: %s", strerror(errno));
    if (input > 0)
        close(input);
    if (output > 0)
        close(output);
    if (errors > 0 && !same)
        close(errors);
    return good;
}

/* What is used by one process of the tool is written by another user, when we are root. */
static bool take_back(struct tool *t, struct err *err)
{
    return geteuid() != 0 || sandbox_own(t->work, err);
}

static bool run_command(struct tool *t, int *ret_status, struct err *err)
{
    const struct sandbox_container container = { t->run->site.container, t->image, t->scratch };
    struct sandbox s = { .words = t->words, .environment = (const char *const *)t->environment, .folder = TOOL_WORK,
                         .container = t->image ? &container : NULL, .limits = t->run->limits, .line = t->run->line,
                         .context = t->run->context };
    struct sandbox_end end = { 0 };

    if (!time_limit(t, &s.limits, err) || !wants_network(t, &s.network, err) || !run_sandbox(t, &s, &end, err) ||
        !take_back(t, err))
        return false;
    *ret_status = end.status;
    return judge(t, &end, err);
}

static bool run_tool(struct tool *t, json_t **ret_outputs, struct err *err)
{
    int status = 0;

    return cwl_image(t->process, &t->run->site, &t->image, err) && make_folders(t, err) && tool_stage(t, err) &&
           make_runtime(t, err) && tool_command(t, err) && run_command(t, &status, err) && tool_collect(t, status, ret_outputs, err);
}

static bool run_expression(struct tool *t, json_t **ret_outputs, struct err *err)
{
    if (!make_folders(t, err) || !tool_stage(t, err) || !make_runtime(t, err) ||
        !cwl_evaluate(&t->scope, json_object_get(t->process, "expression"), ret_outputs, err))
        return false;
    if (!json_is_object(*ret_outputs))
        return js_refuse(*ret_outputs, "/expression", "an object", err);
    return tool_settle(t, *ret_outputs, err);
}

static bool forget_path(void *context, json_t *file, struct err *err)
{
    (void)context;
    (void)err;
    if (json_object_get(file, "location")) {
        json_object_del(file, "path");
        json_object_del(file, "dirname");
    }
    return true;
}

static void tool_done(struct tool *t)
{
    for (size_t i = 0; i < t->n_binds; i++) {
        free(t->binds[i].outside);
        free(t->binds[i].inside);
    }
    for (size_t i = 0; i < t->n_words; i++)
        free(t->words[i]);
    for (size_t i = 0; i < t->n_environment; i++)
        free(t->environment[i]);
    free(t->binds);
    free(t->words);
    free(t->environment);
    free(t->work);
    free(t->tmp);
    free(t->literals);
    free(t->scratch);
    free(t->image);
    free(t->stdin_path);
    free(t->stdout_name);
    free(t->stderr_name);
    json_decref(t->inputs);
    json_decref(t->runtime);
}

bool cwl_run(const struct cwl_run *run, const json_t *process, const json_t *inputs, json_t **ret_outputs,
             struct err *err)
{
    struct tool t = { .run = run, .process = process, .inputs = json_deep_copy(inputs) };
    const char *class_name = js_text(process, "class");
    json_t *outputs = NULL;
    bool good;

    t.scope = cwl_scope_of(process, t.inputs, NULL);
    good = strcmp(class_name, "ExpressionTool") ? run_tool(&t, &outputs, err) : run_expression(&t, &outputs, err);
    tool_done(&t);
    if (!good || !cwl_files_each(outputs, forget_path, NULL, err)) {
        json_decref(outputs);
        return false;
    }
    *ret_outputs = outputs;
    return true;
}
