/* One line that is drawn over itself. */
#include "commands/progress.h"
#include "base/instant.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { WIDTH = 40, EVERY_MS = 100 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t drawn_at;
static bool drawn;

void progress_draw(const char *what, size_t done, size_t all)
{
    char bar[WIDTH + 1];
    size_t full = all ? (done < all ? done : all) * WIDTH / all : 0;

    if (!isatty(STDERR_FILENO))
        return;
    pthread_mutex_lock(&lock);
    if (done >= all || instant_monotonic() - drawn_at >= EVERY_MS) {
        for (size_t i = 0; i < WIDTH; i++)
            bar[i] = i < full ? '#' : '.';
        bar[WIDTH] = '\0';
        fprintf(stderr, "\r%s [%s] %3zu %%\033[K", what, bar, all ? done * 100 / all : 0);
        fflush(stderr);
        drawn_at = instant_monotonic();
        drawn = true;
    }
    pthread_mutex_unlock(&lock);
}

void progress_clear(void)
{
    if (drawn)
        fprintf(stderr, "\r\033[K");
    drawn = false;
}
