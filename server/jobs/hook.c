/* The command runs as a child of the task's process, in its process group: whoever ends the task ends the
 * command. For a time-out, which must spare the task itself, the task is made the reaper of its
 * descendants, so that what the command left behind becomes a child of ours and is found. */
#include "jobs/hook.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORDS = 100, LINE_BYTES = 1000, MAX_LINES = 500, TICK_MS = 100 };

/* ---- words ---- */

static const char *find_value(const struct hook_value *values, size_t n, const char *name, size_t length)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(values[i].name) == length && !memcmp(values[i].name, name, length))
            return values[i].value ? values[i].value : "";
    return NULL;
}

static bool add_value(struct text *word, const char **at, const struct hook_value *values, size_t n,
                      struct err *err)
{
    const char *end = strchr(*at, '}'), *value;

    if ((*at)[1] == '{') {
        text_add(word, "{");
        *at += 2;
        return true;
    }
    value = end ? find_value(values, n, *at + 1, (size_t)(end - *at) - 1) : NULL;
    if (!value)
        return err_set(err, ERR_ConfigInvalid,
                       "catalog.stage_command: '%.40s' stands for nothing that is known ({{ is a brace)",
                       *at);
    if (word->length == 0 && *value == '-') /* ids are their owners' to choose */
        return err_set(err, ERR_StagingFailed, "'%.100s' would be an option of the staging command", value);
    text_add(word, value);
    *at = end + 1;
    return true;
}

static bool read_word(const char **at, const struct hook_value *values, size_t n, struct text *word,
                      struct err *err)
{
    char quote = '\0';

    text_add(word, "");
    while (**at && (quote || **at != ' ')) {
        if (**at == quote || (!quote && (**at == '"' || **at == '\''))) {
            quote = quote ? '\0' : **at;
            ++*at;
        } else if (**at == '{') {
            if (!add_value(word, at, values, n, err))
                return false;
        } else {
            text_addn(word, (*at)++, 1);
        }
    }
    return !quote || err_set(err, ERR_ConfigInvalid, "catalog.stage_command: a %c is not closed", quote);
}

bool hook_words(const char *line, const struct hook_value *values, size_t n_values, char ***ret_words,
                struct err *err)
{
    char **words = mem_array(MAX_WORDS + 1, sizeof *words);
    size_t count = 0;

    for (line += strspn(line, " "); *line; line += strspn(line, " ")) {
        struct text word = { 0 };
        bool good = read_word(&line, values, n_values, &word, err);

        if (good && count == MAX_WORDS)
            good = err_set(err, ERR_ConfigInvalid, "catalog.stage_command: more than %d words", MAX_WORDS);
        words[count] = text_take(&word);
        if (!good) {
            free(count < MAX_WORDS ? NULL : words[count]);
            words[count < MAX_WORDS ? count + 1 : count] = NULL;
            hook_words_free(words);
            return false;
        }
        count++;
    }
    *ret_words = words;
    return true;
}

void hook_words_free(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

bool hook_uses(const char *line, const char *name)
{
    AUTO(mem) char *mark = mem_printf("{%s}", name);

    return strstr(line, mark) != NULL;
}

/* ---- the process ---- */

struct running {
    pid_t pid;
    int output;
    char line[LINE_BYTES + 1], last[LINE_BYTES + 1];
    size_t length, lines;
    void (*tell)(void *context, const char *line);
    void *context;
};

static void end_line(struct running *r)
{
    while (r->length && strchr("\r\t ", r->line[r->length - 1]))
        r->length--;
    r->line[r->length] = '\0';
    if (r->length) {
        text_repair_utf8(r->line);
        snprintf(r->last, sizeof r->last, "%s", r->line);
        if (r->lines++ < MAX_LINES)
            r->tell(r->context, r->line);
    }
    r->length = 0;
}

/* False at the end of the output. */
static bool read_output(struct running *r)
{
    char bytes[4096];
    ssize_t got = read(r->output, bytes, sizeof bytes);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] == '\n' || r->length == LINE_BYTES)
            end_line(r);
        if (bytes[i] != '\n')
            r->line[r->length++] = bytes[i] ? bytes[i] : '?';
    }
    return got > 0;
}

/* In the new process. */
static void become(char *const *words, int output)
{
    struct rlimit limit;
    int nothing = open("/dev/null", O_RDONLY);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getrlimit(RLIMIT_AS, &limit) == 0) { /* the bound is meant for pixels */
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_AS, &limit);
    }
    signal(SIGPIPE, SIG_DFL);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0)
        _exit(126);
    execvp(words[0], words);
    dprintf(STDERR_FILENO, "%s: %s\n", words[0], strerror(errno));
    _exit(127);
}

static bool start(char *const *words, struct running *r, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return err_set(err, ERR_Internal, "No pipe for a command: %s", strerror(errno));
    r->pid = fork();
    if (r->pid == 0)
        become(words, ends[1]);
    close(ends[1]);
    r->output = ends[0];
    if (r->pid < 0) {
        close(ends[0]);
        return err_set(err, ERR_Internal, "No process for a command: %s", strerror(errno));
    }
    fcntl(r->output, F_SETFL, O_NONBLOCK);
    return true;
}

/* All children of this process, and again until none is left: killed parents leave theirs to us. */
static void end_descendants(void)
{
    char path[64];
    int child;
    size_t found;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    do {
        FILE *list = fopen(path, "re");

        for (found = 0; list && fscanf(list, "%d", &child) == 1; found++)
            kill(child, SIGKILL);
        if (list)
            fclose(list);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        usleep(found ? 1000 : 0);
    } while (found);
}

static bool tell_status(const struct running *r, const char *command, int status, struct err *err)
{
    const char *said = *r->last ? r->last : "it said nothing";

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFSIGNALED(status))
        return err_set(err, ERR_StagingFailed, "The staging command %.100s was ended by signal %d: %s",
                       command, WTERMSIG(status), said);
    return err_set(err, ERR_StagingFailed, "The staging command %.100s ended with status %d: %s", command,
                   WEXITSTATUS(status), said);
}

bool hook_run(char *const *words, int64_t timeout_ms, void (*line)(void *context, const char *line),
              void *context, struct err *err)
{
    struct running r = { .tell = line, .context = context };
    int64_t until = instant_monotonic() + timeout_ms;
    int status = 0;
    bool ended = false, open = true;

    if (!words[0])
        return err_set(err, ERR_ConfigInvalid, "catalog.stage_command: is empty");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!start(words, &r, err))
        return false;
    /* what the command left running in the background may hold the pipe: its own end counts */
    while (!ended && instant_monotonic() < until) {
        poll(&(struct pollfd){ open ? r.output : -1, POLLIN, 0 }, 1, TICK_MS);
        open = open && read_output(&r);
        ended = waitpid(r.pid, &status, WNOHANG) == r.pid;
    }
    while (open && poll(&(struct pollfd){ r.output, POLLIN, 0 }, 1, 0) > 0)
        open = read_output(&r);
    end_line(&r);
    close(r.output);
    if (!ended)
        kill(r.pid, SIGKILL);
    end_descendants();
    if (!ended)
        return err_set(err, ERR_StagingFailed, "The staging command %.100s was ended after %lld s",
                       words[0], (long long)(timeout_ms / 1000));
    return tell_status(&r, words[0], status, err);
}
