/* Random identifiers. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ID_UUID_SIZE = 37 };

void id_uuid(char ret_uuid[static ID_UUID_SIZE]); /* version 4, lower case */
bool id_is_uuid(const char *text);
/* Fills with cryptographically strong random bytes. */
void id_random(void *bytes, size_t size);
int64_t id_token63(void); /* 1 .. 2^63-1: fencing tokens */
/* 32 random bytes as 43 characters of base64url: session tokens, API keys. */
enum { ID_SECRET_SIZE = 44 };
void id_secret(char ret_secret[static ID_SECRET_SIZE]);

#endif
