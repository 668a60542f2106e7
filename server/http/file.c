/* Files are streamed by MHD from the descriptor (sendfile), never held in memory. The ETag is made of
 * inode, size and modification time, and is strong: results are written once under a temporary name
 * and renamed. Several ranges become one multipart/byteranges body that is read piece by piece. */
#include "base/id.h"
#include "http/range.h"
#include "http/respond.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DATE_SIZE = 40, ETAG_SIZE = 64, BLOCK = 256 << 10 };

struct file {
    int fd;
    int64_t size;
    time_t changed;
    char etag[ETAG_SIZE], date[DATE_SIZE];
};

static bool open_file(const char *path, struct file *file, struct err *err)
{
    struct stat info;
    struct tm tm;

    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        if (file->fd >= 0)
            close(file->fd);
        return err_set(err, ERR_FileNotFound, "The file does not exist any more");
    }
    file->size = info.st_size;
    file->changed = info.st_mtim.tv_sec;
    snprintf(file->etag, sizeof file->etag, "\"%jx-%jx-%jx\"", (uintmax_t)info.st_ino,
             (uintmax_t)info.st_size,
             (uintmax_t)info.st_mtim.tv_sec * 1000000000u + (uintmax_t)info.st_mtim.tv_nsec);
    gmtime_r(&file->changed, &tm);
    strftime(file->date, sizeof file->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    return true;
}

static bool not_modified(const struct exchange *ex, const struct file *file)
{
    const char *since = request_header(&ex->rq, "If-Modified-Since");
    struct tm tm = { 0 };

    if (request_header(&ex->rq, "If-None-Match"))
        return request_none_match(&ex->rq, file->etag);
    return since && strptime(since, "%a, %d %b %Y %H:%M:%S GMT", &tm) && file->changed <= timegm(&tm);
}

/* If-Range: the ranges count only while the file is the one that the client has a part of. */
static bool is_same_file(const struct exchange *ex, const struct file *file)
{
    const char *known = request_header(&ex->rq, "If-Range");

    return !known || !strcmp(known, file->etag) || !strcmp(known, file->date);
}

/* A multipart body: texts and stretches of the file in turn. */
struct piece {
    char *text; /* NULL: from the file */
    int64_t from, length;
};

struct multipart {
    int fd;
    size_t count;
    struct piece pieces[2 * RANGE_MAX + 1];
};

static ssize_t read_multipart(void *cls, uint64_t position, char *buffer, size_t max)
{
    const struct multipart *body = cls;
    int64_t skip = (int64_t)position;
    size_t i = 0;
    ssize_t got;

    while (i < body->count && skip >= body->pieces[i].length)
        skip -= body->pieces[i++].length;
    if (i == body->count)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if ((int64_t)max > body->pieces[i].length - skip)
        max = (size_t)(body->pieces[i].length - skip);
    if (body->pieces[i].text) {
        memcpy(buffer, body->pieces[i].text + skip, max);
        return (ssize_t)max;
    }
    do
        got = pread(body->fd, buffer, max, body->pieces[i].from + skip);
    while (got < 0 && errno == EINTR);
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_multipart(void *cls)
{
    struct multipart *body = cls;

    for (size_t i = 0; i < body->count; i++)
        free(body->pieces[i].text);
    close(body->fd);
    free(body);
}

static void add_text(struct multipart *body, char *text_taken)
{
    body->pieces[body->count++] =
        (struct piece){ .text = text_taken, .length = (int64_t)strlen(text_taken) };
}

static void set_header(struct exchange *ex, const char *name, const char *value)
{
    for (size_t i = 0; i < ex->reply.n_headers; i++)
        if (!strcmp(ex->reply.headers[i].name, name))
            ex->reply.headers[i].value = value;
}

static void several_ranges(struct exchange *ex, const struct file *file, const struct range *ranges,
                           size_t count)
{
    struct multipart *body = MEM_NEW(struct multipart);
    const char *media = reply_given(&ex->reply, "Content-Type");
    char boundary[ID_SECRET_SIZE];
    int64_t total = 0;

    id_secret(boundary);
    body->fd = file->fd;
    for (size_t i = 0; i < count; i++) {
        add_text(body, mem_printf("%s--%s\r\nContent-Type: %s\r\nContent-Range: bytes %" PRId64
                                  "-%" PRId64 "/%" PRId64 "\r\n\r\n",
                                  i ? "\r\n" : "", boundary, media, ranges[i].first, ranges[i].last,
                                  file->size));
        body->pieces[body->count++] = (struct piece){ .from = ranges[i].first,
                                                      .length = ranges[i].last - ranges[i].first + 1 };
    }
    add_text(body, mem_printf("\r\n--%s--\r\n", boundary));
    for (size_t i = 0; i < body->count; i++)
        total += body->pieces[i].length;
    set_header(ex, "Content-Type",
               arena_printf(ex->rq.arena, "multipart/byteranges; boundary=%s", boundary));
    ex->response = MHD_create_response_from_callback((uint64_t)total, BLOCK, read_multipart, body,
                                                     free_multipart);
}

static void one_range(struct exchange *ex, const struct file *file, const struct range *range)
{
    ex->response = MHD_create_response_from_fd_at_offset64(
        (uint64_t)(range->last - range->first + 1), file->fd, (uint64_t)range->first);
    reply_header(&ex->rq, &ex->reply, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
                 range->first, range->last, file->size);
}

/* The descriptor belongs to the response from here on, whatever happens. */
static void respond_range(struct exchange *ex, const struct file *file)
{
    struct range ranges[RANGE_MAX];
    size_t count;
    const char *header = is_same_file(ex, file) ? request_header(&ex->rq, "Range") : NULL;

    switch (range_parse(header, file->size, ranges, &count)) {
    case RANGE_PARTS:
        ex->status = 206;
        if (count == 1)
            one_range(ex, file, ranges);
        else
            several_ranges(ex, file, ranges, count);
        return;
    case RANGE_OUTSIDE:
        close(file->fd);
        err_set(&ex->err, ERR_RangeNotSatisfiable, "The file has %" PRId64 " bytes", file->size);
        ex->file_size = file->size;
        return;
    case RANGE_WHOLE:
        ex->status = ex->reply.status;
        ex->response = MHD_create_response_from_fd64((uint64_t)file->size, file->fd);
    }
}

void respond_file(struct exchange *ex)
{
    struct file file;

    if (!open_file(ex->reply.file, &file, &ex->err))
        return;
    if (not_modified(ex, &file)) {
        close(file.fd);
        ex->status = 304;
        ex->response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    } else {
        respond_range(ex, &file);
    }
    if (!ex->response)
        return;
    MHD_add_response_header(ex->response, "ETag", file.etag);
    MHD_add_response_header(ex->response, "Last-Modified", file.date);
    MHD_add_response_header(ex->response, "Accept-Ranges", "bytes");
}
