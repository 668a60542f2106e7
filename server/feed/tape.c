/* A few pages are kept by the place where they begin. Readers who follow come from the end of the same
 * page to the same next one, so that a change is read and parsed once for all of them. A page is old
 * after a moment: the items in it, and who may see them, may be others by then. */
#include "feed/tape.h"
#include "base/instant.h"

enum { PAGES = 8, PAGE_CHANGES = 200, OLD_MS = 3000 };

struct page {
    int64_t since, read_at; /* read_at 0: empty */
    struct changes changes;
};

struct tape {
    struct page pages[PAGES];
};

struct tape *tape_new(void)
{
    return MEM_NEW(struct tape);
}

static void clear(struct page *page)
{
    if (page->read_at)
        changes_done(&page->changes);
    page->read_at = 0;
}

void tape_free(struct tape *tape)
{
    for (size_t i = 0; tape && i < PAGES; i++)
        clear(&tape->pages[i]);
    free(tape);
}

void tape_turn(struct tape *tape)
{
    int64_t now = instant_monotonic();

    for (size_t i = 0; i < PAGES; i++) {
        struct page *page = &tape->pages[i];

        if (page->read_at && (now - page->read_at > OLD_MS || !page->changes.more))
            clear(page);
    }
}

static struct page *find(struct tape *tape, int64_t since)
{
    struct page *oldest = &tape->pages[0];

    for (size_t i = 0; i < PAGES; i++) {
        struct page *page = &tape->pages[i];

        if (page->read_at && page->since == since)
            return page;
        if (page->read_at < oldest->read_at)
            oldest = page;
    }
    clear(oldest);
    return oldest;
}

bool tape_read(struct tape *tape, struct db *db, int64_t since, struct changes **ret_page,
               struct err *err)
{
    struct page *page = find(tape, since);

    if (!page->read_at) {
        if (!changes_read(db, since, PAGE_CHANGES, &page->changes, err))
            return false;
        page->since = since;
        page->read_at = instant_monotonic();
    }
    *ret_page = &page->changes;
    return true;
}
