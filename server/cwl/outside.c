/* Which file out here a command means by a path of its own view. */
#include "cwl/tool.h"
#include <string.h>
#include <unistd.h>

static char *outside_of(const struct tool *t, const char *inside)
{
    const struct { const char *inside, *outside; } own[] = { { TOOL_WORK, t->work } }; /* its /tmp is gone */

    for (size_t i = 0; i < ARRAY_LEN(own) + t->n_binds; i++) {
        const char *from = i < ARRAY_LEN(own) ? own[i].inside : t->binds[i - ARRAY_LEN(own)].inside;
        const char *to = i < ARRAY_LEN(own) ? own[i].outside : t->binds[i - ARRAY_LEN(own)].outside;
        size_t length = strlen(from);

        if (!strncmp(inside, from, length) && (inside[length] == '/' || !inside[length]))
            return mem_printf("%s%s", to, inside + length);
    }
    return NULL;
}

/* Component by component, so that every link is read in the command's own view. */
char *tool_outside(const struct tool *t, const char *inside)
{
    enum { MAX_STEPS = 400 };
    struct text done = { 0 };
    char *rest = mem_text(inside);

    text_add(&done, "");
    for (int steps = 0; steps < MAX_STEPS; steps++) {
        char *at = rest + strspn(rest, "/"), *end = at + strcspn(at, "/"), *next, target[4096];
        size_t before = done.length;
        AUTO(mem) char *name = mem_textn(at, (size_t)(end - at)), *outside = NULL;
        ssize_t length;

        if (!*name) {
            char *found = outside_of(t, done.data);

            free(rest);
            text_drop(&done);
            return found;
        }
        next = mem_text(end);
        free(rest);
        rest = next;
        if (!strcmp(name, ".."))
            done.length = strrchr(done.data, '/') ? (size_t)(strrchr(done.data, '/') - done.data) : 0;
        else if (strcmp(name, "."))
            text_printf(&done, "/%s", name);
        done.data[done.length] = '\0';
        outside = outside_of(t, done.data);
        length = outside ? readlink(outside, target, sizeof target - 1) : -1;
        if (length < 0)
            continue;
        target[length] = '\0';
        next = mem_printf("%s/%s", target, rest);
        free(rest);
        rest = next;
        done.length = *target == '/' ? 0 : before;
        done.data[done.length] = '\0';
    }
    free(rest);
    text_drop(&done);
    return NULL;
}
