/* Images of containers: what they may be called, and the command lines of the programs that run them. */
#ifndef SANDBOX_CONTAINER_H
#define SANDBOX_CONTAINER_H

#include "sandbox/words.h"

/* Of the setting: NULL when it is "none". */
const char *container_runtime(const char *setting);
/* Whether this is the path of a program that is known here: apptainer, singularity or podman, called so. A server asks
 * once for what a site names. Errors: SandboxUnavailable with the reason. */
bool container_check_runtime(const char *path, struct err *err) MUST_USE;
/* "debian:12" -> "docker.io/library/debian:12": a reference of the form REGISTRY/NAME[:TAG][@sha256:...] whose registry is
 * one of these, separated by blanks. The caller frees. Errors: BadRequest; FeatureUnsupported (the registry). */
bool container_reference(const char *written, const char *registries, char **ret_reference, struct err *err) MUST_USE;

/* Adds the words of the runtime with those of the command; `uid` as words_make() has it. */
void container_add(struct words *words, const struct sandbox *s, uid_t uid);

#endif
