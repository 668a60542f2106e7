/* Addresses are read by a narrow grammar, subjects are encoded words wherever they hold anything
 * but plain characters, and the text is base64: nothing that a job is called can become a header or
 * a line of its own. */
#include "net/mail.h"
#include "base/id.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/text.h"
#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { MAIL_MS = 30000, MAX_ADDRESS = 254, WORD_BYTES = 42, LINE_BYTES = 57 };

DEFINE_AUTO(handle, CURL *, curl_easy_cleanup)
DEFINE_AUTO(lines, struct curl_slist *, curl_slist_free_all)

static bool is_made_of(const char *text, size_t length, const char *marks)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr(marks, text[i]))
            return false;
    return length > 0 && text[0] != '.' && text[0] != '-' && text[length - 1] != '.';
}

bool mail_is_address(const char *text)
{
    const char *at = strchr(text, '@');

    return at && strlen(text) <= MAX_ADDRESS && is_made_of(text, (size_t)(at - text), "._+-=") &&
           is_made_of(at + 1, strlen(at + 1), ".-") && strchr(at, '.') && !strstr(text, "..");
}

bool mail_is_in(const char *address, const char *domains)
{
    const char *domain = strchr(address, '@');
    size_t length;

    if (!domain)
        return false;
    length = strlen(++domain);
    for (const char *at = domains; *(at += strspn(at, " ,")); at += strcspn(at, " ,"))
        if (strcspn(at, " ,") == length && !strncasecmp(at, domain, length))
            return true;
    return false;
}

/* A header's value: encoded words (RFC 2047) unless it is short and plain. */
static void add_subject(struct text *out, const char *subject)
{
    size_t length = strlen(subject);

    if (length < 70 && is_made_of(subject, length, " .,:;()'-_/")) {
        text_add(out, subject);
        return;
    }
    for (const char *at = subject; *at;) {
        size_t size = strlen(at) < WORD_BYTES ? strlen(at) : WORD_BYTES;

        while (size > 1 && ((unsigned char)at[size] & 0xc0) == 0x80) /* no character is cut */
            size--;
        text_add(out, at == subject ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        text_add_base64(out, at, size);
        text_add(out, "?=");
        at += size;
    }
}

static void add_date(struct text *out)
{
    time_t now = (time_t)(instant_now() / 1000);
    char text[64];
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    text_printf(out, "Date: %s\r\n", text);
}

static char *message_of(const struct mail *mail)
{
    struct text out = {0};
    char id[ID_UUID_SIZE];

    id_uuid(id);
    text_printf(&out, "From: <%s>\r\nTo: <%s>\r\nSubject: ", mail->from, mail->to);
    add_subject(&out, mail->subject);
    text_add(&out, "\r\n");
    add_date(&out);
    text_printf(&out, "Message-ID: <%s%s>\r\n", id, strchr(mail->from, '@'));
    text_add(
        &out,
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (size_t at = 0, all = strlen(mail->text); at < all; at += LINE_BYTES) {
        text_add_base64(&out, mail->text + at, all - at < LINE_BYTES ? all - at : LINE_BYTES);
        text_add(&out, "\r\n");
    }
    return text_take(&out);
}

struct upload {
    const char *at;
};

static size_t give(char *buffer, size_t size, size_t count, void *context)
{
    struct upload *upload = context;
    size_t most = size * count, left = strlen(upload->at);

    if (left > most)
        left = most;
    memcpy(buffer, upload->at, left);
    upload->at += left;
    return left;
}

bool mail_send(const struct mail *mail, struct err *err)
{
    AUTO(handle) CURL *curl = curl_easy_init();
    AUTO(lines) struct curl_slist *to = NULL;
    AUTO(mem)
    char *message = NULL,
         *from = mem_printf("<%s>", mail->from), *rcpt = mem_printf("<%s>", mail->to);
    struct upload upload;
    CURLcode code;

    if (!mail_is_address(mail->from) || !mail_is_address(mail->to))
        return err_set(err, ERR_InvalidParameter, "'%.100s' is no address of e-mail",
                       mail_is_address(mail->from) ? mail->to : mail->from);
    message = message_of(mail);
    upload.at = message;
    to = curl_slist_append(NULL, rcpt);
    curl_easy_setopt(curl, CURLOPT_URL, mail->relay);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(*mail->user ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)MAIL_MS);
    if (*mail->user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, mail->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, mail->password);
    }
    code = curl_easy_perform(curl);
    return code == CURLE_OK ||
           err_set(err, ERR_Unreachable, "The relay: %s", curl_easy_strerror(code));
}
