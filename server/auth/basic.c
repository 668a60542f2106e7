/* argon2id costs 60 ms and 64 MiB by design, too much for each request of a client that speaks HTTP
 * Basic. So a success is remembered for some minutes, as a keyed hash of name, password and stored
 * hash: a changed password is another key, and memory holds nothing to guess from after the process.
 * An unknown user is checked against a hash of nothing, so that time does not tell who exists. Few
 * hashes are computed at once; a flood of wrong passwords is refused rather than queued. */
#include "auth/basic.h"
#include "auth/secret.h"
#include "base/instant.h"
#include "base/text.h"
#include <pthread.h>
#include <string.h>

enum { SLOTS = 512, KEEP_MS = 300000, AT_ONCE = 2, MAX_WAITING = 4, MIN_PASSWORD = 8,
       MAX_PASSWORD = 1024, KEY_SIZE = 32 };

static struct slot {
    unsigned char key[KEY_SIZE];
    int64_t until;
} slots[SLOTS];
static unsigned char slots_key[crypto_generichash_KEYBYTES];
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t hashing_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hashing_free = PTHREAD_COND_INITIALIZER;
static int hashing, waiting;
static char nobody[crypto_pwhash_STRBYTES];

static bool hash(const char *password, char ret_hash[static crypto_pwhash_STRBYTES])
{
    return crypto_pwhash_str(ret_hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                             crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
}

bool basic_init(struct err *err)
{
    char random[ID_SECRET_SIZE];

    id_secret(random);
    id_random(slots_key, sizeof slots_key);
    return hash(random, nobody) || err_set(err, ERR_Internal, "There is no memory for argon2id");
}

bool basic_hash(const char *password, char **ret_hash, struct err *err)
{
    size_t length = strlen(password);

    if (length < MIN_PASSWORD || length > MAX_PASSWORD)
        return err_set(err, ERR_CredentialsInvalid,
                       "A password has %d to %d bytes, this one has %zu", MIN_PASSWORD,
                       MAX_PASSWORD, length);
    *ret_hash = mem_alloc(crypto_pwhash_STRBYTES);
    if (hash(password, *ret_hash))
        return true;
    free(*ret_hash);
    return err_set(err, ERR_Internal, "There is no memory for argon2id");
}

static void slot_key(const char *name, const char *password, const char *stored,
                     unsigned char key[static KEY_SIZE])
{
    AUTO(mem) char *text = mem_printf("%zu:%s%zu:%s%s", strlen(name), name, strlen(password),
                                      password, stored);

    crypto_generichash(key, KEY_SIZE, (unsigned char *)text, strlen(text), slots_key,
                       sizeof slots_key);
    sodium_memzero(text, strlen(text));
}

static struct slot *slot_of(const unsigned char key[static KEY_SIZE])
{
    return &slots[(key[0] << 8 | key[1]) % SLOTS];
}

static bool is_remembered(const unsigned char key[static KEY_SIZE])
{
    const struct slot *slot = slot_of(key);
    bool known;

    pthread_mutex_lock(&slots_lock);
    known = slot->until > instant_monotonic() && sodium_memcmp(slot->key, key, KEY_SIZE) == 0;
    pthread_mutex_unlock(&slots_lock);
    return known;
}

static void remember(const unsigned char key[static KEY_SIZE])
{
    struct slot *slot = slot_of(key);

    pthread_mutex_lock(&slots_lock);
    memcpy(slot->key, key, KEY_SIZE);
    slot->until = instant_monotonic() + KEEP_MS;
    pthread_mutex_unlock(&slots_lock);
}

static bool begin_hashing(void)
{
    bool good;

    pthread_mutex_lock(&hashing_lock);
    good = hashing < AT_ONCE || waiting < MAX_WAITING;
    if (good) {
        waiting++;
        while (hashing >= AT_ONCE)
            pthread_cond_wait(&hashing_free, &hashing_lock);
        waiting--;
        hashing++;
    }
    pthread_mutex_unlock(&hashing_lock);
    return good;
}

static void end_hashing(void)
{
    pthread_mutex_lock(&hashing_lock);
    hashing--;
    pthread_cond_signal(&hashing_free);
    pthread_mutex_unlock(&hashing_lock);
}

static bool check(const char *name, const char *password, const char *stored, struct err *err)
{
    unsigned char key[KEY_SIZE];
    bool good;

    slot_key(name, password, stored ? stored : nobody, key);
    if (stored && is_remembered(key))
        return true;
    if (!begin_hashing())
        return err_set(err, ERR_TooManyRequests, "Too many log-ins at once");
    good = crypto_pwhash_str_verify(stored ? stored : nobody, password, strlen(password)) == 0;
    end_hashing();
    if (!good || !stored)
        return err_set(err, ERR_CredentialsInvalid, "The user name or the password is wrong");
    remember(key);
    return true;
}

bool basic_verify(struct db *db, const char *encoded, struct user *ret_user, struct err *err)
{
    size_t size = 0;
    AUTO(mem) unsigned char *pair =
        secret_decode(encoded, strlen(encoded), sodium_base64_VARIANT_ORIGINAL, &size);
    AUTO(mem) char *stored = NULL;
    char *colon = pair ? strchr((char *)pair, ':') : NULL;
    bool found = false, good;

    if (!colon || strlen((char *)pair) != size || !text_is_utf8((char *)pair) ||
        size > 2 * MAX_PASSWORD)
        return err_set(err, ERR_CredentialsInvalid,
                       "The Authorization header is not \"Basic\" with base64 of name:password");
    *colon = '\0';
    good = user_load(db, (char *)pair, ret_user, &stored, &found, err) &&
           check((char *)pair, colon + 1, stored, err);
    sodium_memzero(pair, size);
    return good;
}
