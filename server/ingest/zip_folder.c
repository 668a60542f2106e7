/* The archive is a chain of pieces: for each file a local header, its bytes and a descriptor with their CRC,
 * which is only known behind them; then the central directory and its end. Whatever does not fit 32 bits
 * has its zip64 form. */
#include "ingest/zip_folder.h"
#include "base/mem.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCAL = 0x04034b50, DESCRIPTOR = 0x08074b50, CENTRAL = 0x02014b50, END = 0x06054b50,
       END64 = 0x06064b50, LOCATOR64 = 0x07064b50 };
enum { FLAGS = 0x0808 /* descriptor, UTF-8 */, PLAIN = 20, ZIP64 = 45, MADE_ON_UNIX = 3 << 8 };

struct entry {
    char *path, *name;
    char *text; /* instead of a file at `path` */
    int64_t size, offset;
    uint32_t crc, mode;
    uint16_t time, date;
};

struct zip_folder {
    struct entry *entries;
    size_t count, capacity;
    int64_t size, directory; /* of all; where the central directory begins */
    size_t at;               /* entry in hand */
    int fd;                  /* its file, -1 between files */
    int64_t left;
    struct text piece;       /* headers that wait to be sent */
    size_t piece_sent;
    bool finished;
};

/* ---- CRC-32, eight bytes at a time ---- */

static uint32_t crc_table[8][256];

__attribute__((constructor)) static void make_crc_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        crc_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            crc_table[k][i] = crc_table[0][crc_table[k - 1][i] & 255] ^ crc_table[k - 1][i] >> 8;
}

static uint32_t crc_add(uint32_t crc, const unsigned char *p, size_t n)
{
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);

        crc = crc_table[7][low & 255] ^ crc_table[6][low >> 8 & 255] ^ crc_table[5][low >> 16 & 255] ^
              crc_table[4][low >> 24] ^ crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^
              crc_table[0][p[7]];
    }
    for (; n; n--, p++)
        crc = crc_table[0][(crc ^ *p) & 255] ^ crc >> 8;
    return ~crc;
}

/* ---- pieces ---- */

static void put(struct text *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text_addn(out, (char[]){ (char)(value >> 8 * i) }, 1);
}

static bool is_big(int64_t number)
{
    return number >= 0xffffffff;
}

static uint64_t small(int64_t number)
{
    return is_big(number) ? 0xffffffff : (uint64_t)number;
}

static void put_local(struct text *out, const struct entry *e)
{
    bool big = is_big(e->size);

    put(out, LOCAL, 4);
    put(out, big ? ZIP64 : PLAIN, 2);
    put(out, FLAGS, 2);
    put(out, 0, 2); /* stored */
    put(out, e->time, 2);
    put(out, e->date, 2);
    put(out, 0, 4); /* CRC: in the descriptor */
    put(out, small(e->size), 4);
    put(out, small(e->size), 4);
    put(out, strlen(e->name), 2);
    put(out, big ? 20 : 0, 2);
    text_add(out, e->name);
    if (!big)
        return;
    put(out, 1, 2);
    put(out, 16, 2);
    put(out, (uint64_t)e->size, 8);
    put(out, (uint64_t)e->size, 8);
}

static void put_descriptor(struct text *out, const struct entry *e)
{
    size_t width = is_big(e->size) ? 8 : 4;

    put(out, DESCRIPTOR, 4);
    put(out, e->crc, 4);
    put(out, (uint64_t)e->size, width);
    put(out, (uint64_t)e->size, width);
}

static void put_central(struct text *out, const struct entry *e)
{
    bool big = is_big(e->size), far = is_big(e->offset);
    size_t extra = (big ? 16u : 0) + (far ? 8u : 0);

    put(out, CENTRAL, 4);
    put(out, MADE_ON_UNIX | ZIP64, 2);
    put(out, big || far ? ZIP64 : PLAIN, 2);
    put(out, FLAGS, 2);
    put(out, 0, 2);
    put(out, e->time, 2);
    put(out, e->date, 2);
    put(out, e->crc, 4);
    put(out, small(e->size), 4);
    put(out, small(e->size), 4);
    put(out, strlen(e->name), 2);
    put(out, extra ? extra + 4 : 0, 2);
    put(out, 0, 6); /* comment, disk, text or not */
    put(out, (uint64_t)e->mode << 16, 4);
    put(out, small(e->offset), 4);
    text_add(out, e->name);
    if (!extra)
        return;
    put(out, 1, 2);
    put(out, extra, 2);
    if (big) {
        put(out, (uint64_t)e->size, 8);
        put(out, (uint64_t)e->size, 8);
    }
    if (far)
        put(out, (uint64_t)e->offset, 8);
}

static void put_end(struct text *out, const struct zip_folder *z, int64_t directory_bytes)
{
    bool big = is_big(z->directory) || is_big(directory_bytes) || z->count >= 0xffff;

    if (big) {
        put(out, END64, 4);
        put(out, 44, 8);
        put(out, MADE_ON_UNIX | ZIP64, 2);
        put(out, ZIP64, 2);
        put(out, 0, 8);
        put(out, z->count, 8);
        put(out, z->count, 8);
        put(out, (uint64_t)directory_bytes, 8);
        put(out, (uint64_t)z->directory, 8);
        put(out, LOCATOR64, 4);
        put(out, 0, 4);
        put(out, (uint64_t)(z->directory + directory_bytes), 8);
        put(out, 1, 4);
    }
    put(out, END, 4);
    put(out, 0, 4);
    put(out, z->count < 0xffff ? z->count : 0xffff, 2);
    put(out, z->count < 0xffff ? z->count : 0xffff, 2);
    put(out, small(directory_bytes), 4);
    put(out, small(z->directory), 4);
    put(out, 0, 2);
}

static void put_directory(struct zip_folder *z, struct text *out)
{
    size_t before = out->length;

    for (size_t i = 0; i < z->count; i++)
        put_central(out, &z->entries[i]);
    put_end(out, z, (int64_t)(out->length - before));
}

/* ---- the list ---- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static struct entry *add_entry(struct zip_folder *z, const char *path, const char *name, const struct stat *st)
{
    struct tm tm;
    struct entry *e;

    z->entries = mem_grow(z->entries, &z->capacity, z->count + 1, sizeof *z->entries);
    e = &z->entries[z->count++];
    gmtime_r(&st->st_mtim.tv_sec, &tm);
    *e = (struct entry){ .path = mem_text(path), .name = mem_text(name), .size = st->st_size, .mode = st->st_mode,
                         .time = (uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2),
                         .date = (uint16_t)((tm.tm_year > 80 ? tm.tm_year - 80 : 0) << 9 |
                                            (tm.tm_mon + 1) << 5 | tm.tm_mday) };
    return e;
}

static void place_entries(struct zip_folder *z)
{
    AUTO(text) struct text head = { 0 };

    for (size_t i = 0; i < z->count; i++) {
        struct entry *e = &z->entries[i];

        e->offset = z->size;
        text_clear(&head);
        put_local(&head, e);
        put_descriptor(&head, e);
        z->size += (int64_t)head.length + e->size;
    }
    z->directory = z->size;
    text_clear(&head);
    put_directory(z, &head);
    z->size += (int64_t)head.length;
}

bool zip_folder_open(const char *path, struct zip_folder **ret_zip, struct err *err)
{
    AUTO(zip_folder) struct zip_folder *z = MEM_NEW(struct zip_folder);
    AUTO(mem) char *root = mem_text(path);
    char *const roots[] = { root, NULL };
    size_t length = strlen(root), skip;
    FTS *walk;
    FTSENT *found;

    z->fd = -1;
    while (length > 1 && root[length - 1] == '/')
        root[--length] = '\0';
    skip = strrchr(root, '/') ? (size_t)(strrchr(root, '/') - root) + 1 : 0;
    walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    while (walk && (found = fts_read(walk)))
        if (found->fts_info == FTS_F)
            add_entry(z, found->fts_path, found->fts_path + skip, found->fts_statp);
    if (walk)
        fts_close(walk);
    if (z->count == 0)
        return err_set(err, ERR_FileNotFound, "The folder of the product is not there, or is empty.");
    place_entries(z);
    *ret_zip = z;
    z = NULL;
    return true;
}

bool zip_files_open(const struct zip_input *files, size_t count, const char *text_name, const char *text,
                    struct zip_folder **ret_zip, struct err *err)
{
    AUTO(zip_folder) struct zip_folder *z = MEM_NEW(struct zip_folder);
    struct stat st = { 0 };

    z->fd = -1;
    for (size_t i = 0; i < count; i++) {
        if (stat(files[i].path, &st) || !S_ISREG(st.st_mode))
            return err_set(err, ERR_FileNotFound, "The file '%.200s' is not there.", files[i].name);
        add_entry(z, files[i].path, files[i].name, &st);
    }
    if (text) {
        st.st_mode = S_IFREG | 0644;
        st.st_size = (off_t)strlen(text);
        add_entry(z, "", text_name, &st)->text = mem_text(text);
    }
    place_entries(z);
    *ret_zip = z;
    z = NULL;
    return true;
}

void zip_folder_free(struct zip_folder *z)
{
    if (!z)
        return;
    if (z->fd >= 0)
        close(z->fd);
    for (size_t i = 0; i < z->count; i++) {
        free(z->entries[i].path);
        free(z->entries[i].name);
        free(z->entries[i].text);
    }
    free(z->entries);
    text_drop(&z->piece);
    free(z);
}

int64_t zip_folder_size(const struct zip_folder *z)
{
    return z->size;
}

int64_t zip_folder_bytes(const char *path)
{
    AUTO(zip_folder) struct zip_folder *z = NULL;
    struct err ignored = { 0 };

    return zip_folder_open(path, &z, &ignored) ? z->size : -1;
}

/* ---- sending ---- */

static ssize_t send_piece(struct zip_folder *z, char *buffer, size_t most)
{
    size_t left = z->piece.length - z->piece_sent;

    if (left > most)
        left = most;
    memcpy(buffer, z->piece.data + z->piece_sent, left);
    z->piece_sent += left;
    return (ssize_t)left;
}

static ssize_t send_file(struct zip_folder *z, char *buffer, size_t most)
{
    struct entry *e = &z->entries[z->at];
    ssize_t got;

    if ((int64_t)most > z->left)
        most = (size_t)z->left;
    do
        got = read(z->fd, buffer, most);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return -1; /* it became shorter */
    e->crc = crc_add(e->crc, (const unsigned char *)buffer, (size_t)got);
    z->left -= got;
    return got;
}

/* What follows when neither a piece nor a file is in hand. */
static bool next_piece(struct zip_folder *z)
{
    text_clear(&z->piece);
    z->piece_sent = 0;
    if (z->fd >= 0) { /* a file has been sent */
        put_descriptor(&z->piece, &z->entries[z->at++]);
        close(z->fd);
        z->fd = -1;
    }
    if (z->at < z->count) {
        struct entry *e = &z->entries[z->at];

        put_local(&z->piece, e);
        if (e->text) {
            e->crc = crc_add(0, (const unsigned char *)e->text, (size_t)e->size);
            text_add(&z->piece, e->text);
            put_descriptor(&z->piece, e);
            z->at++;
            return true;
        }
        z->fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        z->left = e->size;
        e->crc = 0;
        return z->fd >= 0;
    }
    put_directory(z, &z->piece);
    z->finished = true;
    return true;
}

ssize_t zip_folder_read(struct zip_folder *z, char *buffer, size_t most)
{
    if (z->piece_sent < z->piece.length)
        return send_piece(z, buffer, most);
    if (z->fd >= 0 && z->left > 0)
        return send_file(z, buffer, most);
    if (z->finished)
        return 0;
    return next_piece(z) ? send_piece(z, buffer, most) : -1;
}
