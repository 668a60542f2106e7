/* MP4 and WebM by the program ffmpeg, a child whose words are given one by one (no shell reads them) and which gets pixels and
 * nothing else. A picture is sent as often as its time lasts. */
#include "base/mem.h"
#include "base/text.h"
#include "raster/disk.h"
#include "raster/show.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { WORDS = 48, STILL_FPS = 10, BLEND_FPS = 20, QUICK_FPS = 25 };

struct child {
    pid_t pid;
    int pixels, said; /* its input; what it complained of */
};

static bool is_webm(const char *path)
{
    size_t n = strlen(path);

    return n > 5 && !strcmp(path + n - 5, ".webm");
}

static int fps_of(const struct show *show)
{
    return show->blends ? BLEND_FPS : show->still_ms < 1000 / STILL_FPS ? QUICK_FPS : STILL_FPS;
}

/* ---- the child ---- */

static void list_words(const struct show *show, char (*own)[32], const char **words)
{
    static const char *const before[] = { "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "rawvideo",
                                          "-pix_fmt", "bgr0" };
    static const char *const mp4[] = { "-c:v", "libx264", "-preset", "veryfast", "-movflags", "+faststart", "-f", "mp4" };
    static const char *const webm[] = { "-c:v", "libvpx-vp9", "-b:v", "0", "-deadline", "good", "-cpu-used", "5", "-row-mt", "1",
                                        "-f", "webm" };
    const char *const *kind = is_webm(show->path) ? webm : mp4;
    size_t n = 0, n_kind = is_webm(show->path) ? ARRAY_LEN(webm) : ARRAY_LEN(mp4);

    snprintf(own[0], sizeof own[0], "%dx%d", show->width, show->height);
    snprintf(own[1], sizeof own[1], "%d", fps_of(show));
    snprintf(own[2], sizeof own[2], "%d", is_webm(show->path) ? 63 - 38 * show->quality / 100 : 40 - 22 * show->quality / 100);
    for (size_t i = 0; i < ARRAY_LEN(before); i++)
        words[n++] = before[i];
    words[n++] = "-s", words[n++] = own[0];
    words[n++] = "-r", words[n++] = own[1];
    words[n++] = "-i", words[n++] = "pipe:0";
    words[n++] = "-an", words[n++] = "-threads", words[n++] = "2";
    words[n++] = "-pix_fmt", words[n++] = "yuv420p";
    words[n++] = "-crf", words[n++] = own[2];
    for (size_t i = 0; i < n_kind; i++)
        words[n++] = kind[i];
    words[n++] = show->path; /* absolute, or below the folder that it is written to */
    words[n] = NULL;
}

static bool spawn(const struct show *show, struct child *child, struct err *err)
{
    posix_spawn_file_actions_t actions;
    const char *words[WORDS];
    char own[3][32];
    int ends[2], code;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return err_set(err, ERR_StorageFailure, "No pipe to ffmpeg: %s", strerror(errno));
    child->said = memfd_create("ffmpeg", MFD_CLOEXEC);
    list_words(show, own, words);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, child->said, STDERR_FILENO);
    code = posix_spawnp(&child->pid, words[0], &actions, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    child->pixels = ends[0];
    if (code == 0)
        return true;
    close(ends[0]);
    close(child->said);
    return err_set(err, ERR_FormatUnsuitable, "The program ffmpeg, which writes videos, cannot be run: %s", strerror(code));
}

/* What it said, in one line. */
static bool complain(const struct child *child, struct err *err)
{
    char said[400];
    ssize_t n = pread(child->said, said, sizeof said - 1, 0);

    said[n > 0 ? n : 0] = '\0';
    for (char *c = said; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    return err_set(err, ERR_Internal, "The video could not be made; ffmpeg says: %s", *said ? said : "nothing");
}

/* `ok` false: what it was given is not all. */
static bool end(struct child *child, bool ok, struct err *err)
{
    bool told = err->code != ERR_None;
    int status = 0;

    close(child->pixels);
    if (!ok && told)
        kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!told && (!ok || !WIFEXITED(status) || WEXITSTATUS(status) != 0))
        ok = complain(child, err);
    close(child->said);
    return ok;
}

/* ---- pictures ---- */

/* False without a message: it listens no more, and says itself why. */
static bool send_pixels(int to, const uint32_t *pixels, size_t size)
{
    const char *at = (const char *)pixels;

    while (size) {
        ssize_t n = send(to, at, size, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool send_all(const struct child *child, struct show *show, struct err *err)
{
    size_t size = (size_t)show->width * (size_t)show->height * sizeof(uint32_t), sent = 0;
    double seconds = 0;
    struct picture picture;

    for (size_t i = 0; i < show->count; i++) {
        if (!show_next(show, &picture, err))
            return false;
        seconds += picture.ms / 1000.0;
        for (; (double)sent < fmax(1, nearbyint(seconds * fps_of(show))); sent++)
            if (!send_pixels(child->pixels, picture.pixels, size))
                return false;
    }
    return true;
}

bool write_video(struct show *show, struct err *err)
{
    struct child child;
    bool ok;
    int file;

    if (!spawn(show, &child, err))
        return false;
    ok = send_all(&child, show, err);
    ok = end(&child, ok, err);
    file = ok ? open(show->path, O_RDWR | O_CLOEXEC) : -1;
    if (file >= 0) {
        ok = disk_sync(file, show->path, err);
        close(file);
    } else if (ok) {
        ok = disk_failed("open", show->path, err);
    }
    if (!ok)
        unlink(show->path);
    return ok;
}
