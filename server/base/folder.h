/* Folders, with those above them. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/err.h"

/* Makes a folder and those above it that are not there; one that is there is good. Errors: StorageFailure. */
bool folder_make(const char *folder, struct err *err) MUST_USE;

#endif
