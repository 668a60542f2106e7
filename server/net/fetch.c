/* One easy handle a call. Where only public addresses are wanted, the address is judged when curl is
 * about to open the socket: what a name resolved to then is what is connected to, so that no second
 * resolution can slip a private address in. */
#include "net/fetch.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_MS = 30000, DEFAULT_MAX_SIZE = 16 << 20, MAX_HEADER_BYTES = 64 << 10, USER_REDIRECTS = 5 };

DEFINE_AUTO(handle, CURL *, curl_easy_cleanup)
DEFINE_AUTO(curl_text, char *, curl_free)
DEFINE_AUTO(lines, struct curl_slist *, curl_slist_free_all)

struct transfer {
    const struct fetch *what;
    CURL *handle;
    struct text body, headers;
    size_t size, max_size;
    FILE *file; /* what a good answer becomes */
    bool peeked;
    int write_error;
    bool too_large, refused;
};

bool fetch_init(struct err *err)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ||
           err_set(err, ERR_Internal, "libcurl cannot be started");
}

void fetch_done(void)
{
    curl_global_cleanup();
}

/* Loopback, private, link-local, shared, multicast and reserved networks of IPv4. */
static bool is_public_v4(uint32_t address)
{
    static const struct { uint32_t network; int bits; } closed[] = {
        { 0x00000000, 8 },  { 0x0a000000, 8 },  { 0x64400000, 10 }, { 0x7f000000, 8 },
        { 0xa9fe0000, 16 }, { 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0000200, 24 },
        { 0xc0a80000, 16 }, { 0xc6120000, 15 }, { 0xc6336400, 24 }, { 0xcb007100, 24 },
        { 0xe0000000, 3 },
    };

    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if ((address ^ closed[i].network) >> (32 - closed[i].bits) == 0)
            return false;
    return true;
}

/* Global unicast is 2000::/3; addresses that carry an IPv4 address are judged by it. */
static bool is_public_v6(const struct in6_addr *address)
{
    const uint8_t *b = address->s6_addr;
    uint32_t last = (uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15];
    uint32_t after_6to4 = (uint32_t)b[2] << 24 | (uint32_t)b[3] << 16 | (uint32_t)b[4] << 8 | b[5];

    if (IN6_IS_ADDR_V4MAPPED(address) || (b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b))
        return is_public_v4(last);
    if (b[0] == 0x20 && b[1] == 0x02)
        return is_public_v4(after_6to4);
    if (b[0] == 0x20 && b[1] == 0x01 && b[2] < 2) /* Teredo, ORCHID and their like */
        return false;
    return (b[0] & 0xe0) == 0x20 && !(b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8);
}

static bool is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_public_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    return address->sa_family == AF_INET6 &&
           is_public_v6(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* "localhost" and literal addresses are told at once, rather than when they are called. Numbers are read
 * as resolvers read them: of one to four parts, octal and hexadecimal too, with a dot at the end. */
static bool is_plainly_private(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    AUTO(mem) char *bare = mem_textn(host + (*host == '['), strcspn(host, "]") - (*host == '['));
    size_t length = strlen(bare);

    if (length > 0 && bare[length - 1] == '.')
        bare[--length] = '\0';
    if (!strcasecmp(bare, "localhost") || (length > 10 && !strcasecmp(bare + length - 10, ".localhost")))
        return true;
    if (inet_aton(bare, &four))
        return !is_public_v4(ntohl(four.s_addr));
    return inet_pton(AF_INET6, bare, &six) == 1 && !is_public_v6(&six);
}

static bool is_listed(const char *hosts, const char *host)
{
    size_t length = strlen(host);

    for (const char *at = hosts; *(at += strspn(at, " ,")); at += strcspn(at, " ,"))
        if (strcspn(at, " ,") == length && !strncasecmp(at, host, length))
            return true;
    return false;
}

static bool judge(CURLU *url, const char *hosts, bool *ret_public_only, struct err *err)
{
    AUTO(curl_text) char *scheme = NULL, *host = NULL, *user = NULL;

    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) || curl_url_get(url, CURLUPART_HOST, &host, CURLU_PUNYCODE) ||
        (strcmp(scheme, "http") && strcmp(scheme, "https")))
        return err_set(err, ERR_InvalidParameter, "expected an http or https URL");
    if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
        return err_set(err, ERR_InvalidParameter, "holds credentials, which would be told to others");
    *ret_public_only = !is_listed(hosts, host);
    if (*ret_public_only && is_plainly_private(host))
        return err_set(err, ERR_InvalidParameter, "'%.100s' is not a public address", host);
    return true;
}

bool fetch_may_call(const char *url, const char *hosts, bool *ret_public_only, struct err *err)
{
    CURLU *parsed = curl_url();
    bool good;

    if (!parsed || curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK)
        good = err_set(err, ERR_InvalidParameter, "expected an http or https URL, found '%.100s'", url);
    else
        good = judge(parsed, hosts, ret_public_only, err);
    curl_url_cleanup(parsed);
    return good;
}

static curl_socket_t open_public(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = arg;

    (void)purpose;
    if (!is_public(&address->addr)) {
        transfer->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static long status_of(const struct transfer *transfer)
{
    long status = 0;

    curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* Where the part begins that an answer of 206 has; -1: it does not say. */
static long long part_start(const struct transfer *transfer)
{
    const char *line = transfer->headers.data ? strstr(transfer->headers.data, "content-range:") : NULL;
    long long start;

    return line && (line == transfer->headers.data || line[-1] == '\n') && sscanf(line, "content-range: bytes %lld-", &start) == 1 && start >= 0 ? start : -1;
}

static FILE *open_part(struct transfer *transfer)
{
    long long start = part_start(transfer);
    FILE *file = start >= 0 ? fopen(transfer->what->file, "r+e") : NULL;

    if (file && (fseeko(file, 0, SEEK_END) || ftello(file) < start || fseeko(file, start, SEEK_SET))) {
        fclose(file);
        errno = EINVAL;
        return NULL;
    }
    if (start < 0)
        errno = EPROTO;
    else
        transfer->size = (size_t)start;
    return file;
}

/* The file is made, or opened, when the first bytes of a good answer come. One that is begun anew is another file: whoever
 * still writes to the old one does no harm. */
static bool is_for_file(struct transfer *transfer)
{
    const struct fetch *what = transfer->what;
    long status;

    if (!what->file || transfer->file)
        return what->file != NULL;
    status = status_of(transfer);
    if (status != 200 && !(what->resume && status == 206))
        return false;
    if (what->resume && status == 200)
        unlink(what->file);
    transfer->file = status == 200 ? fopen(what->file, "wxe") : open_part(transfer);
    transfer->write_error = transfer->file ? 0 : errno;
    return true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    const struct fetch *what = transfer->what;
    size_t length = size * count;

    if (what->peek) {
        transfer->peeked = true;
        return 0;
    }
    if (is_for_file(transfer) && !transfer->file)
        return 0;
    if (transfer->size + length > transfer->max_size) {
        transfer->too_large = true;
        return 0;
    }
    transfer->size += length;
    if (!transfer->file) {
        text_addn(&transfer->body, bytes, length);
        return length;
    }
    if (fwrite(bytes, 1, length, transfer->file) != length) {
        transfer->write_error = errno;
        return 0;
    }
    if (what->progress)
        what->progress(what->progress_context, (int64_t)transfer->size);
    return length;
}

/* An empty answer is a file, too. */
static bool close_file(struct transfer *transfer, long status)
{
    if (transfer->what->file && !transfer->file && status == 200)
        is_for_file(transfer);
    if (transfer->file && fclose(transfer->file) && !transfer->write_error)
        transfer->write_error = errno;
    transfer->file = NULL;
    return transfer->write_error == 0;
}

/* A status line begins the headers anew: only those of the last answer are kept. */
static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    size_t length = size * count, start = transfer->headers.length;
    char *colon;

    if (length > 5 && !strncmp(bytes, "HTTP/", 5)) {
        text_clear(&transfer->headers);
        return length;
    }
    if (start + length > MAX_HEADER_BYTES)
        return 0;
    while (length > 0 && (bytes[length - 1] == '\r' || bytes[length - 1] == '\n'))
        length--;
    if (length > 0) {
        text_addn(&transfer->headers, bytes, length);
        text_add(&transfer->headers, "\n");
        colon = strchr(transfer->headers.data + start, ':');
        for (char *c = transfer->headers.data + start; colon && c < colon; c++)
            *c = (char)tolower((unsigned char)*c);
    }
    return size * count;
}

static void set_up(CURL *handle, const struct fetch *what, struct transfer *transfer)
{
    curl_easy_setopt(handle, CURLOPT_URL, what->url);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, what->redirects > 0 ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, (long)what->redirects);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                     (long)(what->timeout_ms ? what->timeout_ms : DEFAULT_TIMEOUT_MS));
    if (!what->resume && !what->peek) /* sizes and places are those of the file */
        curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
    if (what->stall_ms > 0) {
        curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, (long)((what->stall_ms + 999) / 1000));
    }
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "sentier");
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
    if (what->public_only) {
        curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_public);
        curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, transfer);
        curl_easy_setopt(handle, CURLOPT_PROXY, ""); /* a proxy would connect for us, unjudged */
    }
    if (what->body) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)what->body_size);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, what->body);
    }
    if (what->method && !strcmp(what->method, "HEAD"))
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    else if (what->method)
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, what->method);
    if (what->user) {
        curl_easy_setopt(handle, CURLOPT_USERNAME, what->user);
        curl_easy_setopt(handle, CURLOPT_PASSWORD, what->password ? what->password : "");
    }
}

/* "https://host:port": what may be told of an address that may hold a secret in its query. */
static int told_length(const char *url)
{
    const char *host = strstr(url, "://");

    return (int)(host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : strcspn(url, "/?#"));
}

static bool failed(const struct fetch *what, const struct transfer *transfer, CURLcode code,
                   struct err *err)
{
    const char *reason = transfer->refused     ? "the address is not a public one"
                         : transfer->too_large ? "the answer is too large"
                         : transfer->write_error ? strerror(transfer->write_error)
                                               : curl_easy_strerror(code);

    if (what->ret_too_large)
        *what->ret_too_large = transfer->too_large;
    return err_set(err, transfer->write_error ? ERR_StorageFailure : ERR_Unreachable, "%.*s: %s", told_length(what->url),
                   what->url, reason);
}

bool fetch(const struct fetch *what, struct fetched *ret_fetched, struct err *err)
{
    AUTO(handle) CURL *handle = curl_easy_init();
    AUTO(lines) struct curl_slist *lines = NULL;
    struct transfer transfer = { .what = what, .handle = handle, .max_size = what->max_size ? what->max_size : DEFAULT_MAX_SIZE };
    const char *redirect = NULL;
    long status = 0;
    CURLcode code;

    if (!handle)
        return err_set(err, ERR_Internal, "libcurl gives no handle");
    set_up(handle, what, &transfer);
    for (size_t i = 0; i < FETCH_MAX_HEADERS && what->headers[i]; i++)
        lines = curl_slist_append(lines, what->headers[i]);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, lines);
    code = curl_easy_perform(handle);
    if (transfer.peeked)
        code = CURLE_OK;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &redirect);
    if (!close_file(&transfer, code == CURLE_OK ? status : 0) || code != CURLE_OK) {
        text_drop(&transfer.body);
        text_drop(&transfer.headers);
        return failed(what, &transfer, code, err);
    }
    ret_fetched->status = (int)status;
    ret_fetched->size = transfer.size;
    ret_fetched->redirect = mem_text(redirect);
    ret_fetched->body = what->file && (status == 200 || status == 206) ? NULL : text_take(&transfer.body);
    ret_fetched->headers = text_take(&transfer.headers);
    return true;
}

bool fetch_for_user(struct fetch *what, const char *hosts, struct fetched *ret_fetched, struct err *err)
{
    if (!fetch_may_call(what->url, hosts, &what->public_only, err))
        return false;
    what->redirects = what->public_only ? USER_REDIRECTS : 0;
    return fetch(what, ret_fetched, err);
}

char *fetched_header(const struct fetched *fetched, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = fetched->headers; line && *line; line = strchr(line, '\n') + 1) {
        const char *value = line + length + 1;

        if (strncmp(line, name, length) || line[length] != ':')
            continue;
        value += strspn(value, " \t");
        size_t end = strcspn(value, "\n");

        while (end > 0 && (value[end - 1] == ' ' || value[end - 1] == '\t'))
            end--;
        return mem_textn(value, end);
    }
    return NULL;
}

int64_t fetched_wait_ms(const struct fetched *fetched)
{
    AUTO(mem) char *value = fetched_header(fetched, "retry-after");
    double seconds;
    time_t moment;

    if (value && text_to_number(value, &seconds))
        return seconds >= 0 && seconds < 1e6 ? (int64_t)(seconds * 1000) : -1;
    moment = value ? curl_getdate(value, NULL) : -1;
    return moment < 0 ? -1 : moment * 1000 > instant_now() ? (int64_t)moment * 1000 - instant_now() : 0;
}

void fetched_drop(struct fetched *fetched)
{
    free(fetched->body);
    free(fetched->headers);
    free(fetched->redirect);
    *fetched = (struct fetched){ 0 };
}
