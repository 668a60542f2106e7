#include "http/socket.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

bool socket_listen(const char *address, int64_t port, int *ret_socket, int *ret_port, struct err *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;
    char service[16];
    int fd = -1, one = 1, status;

    snprintf(service, sizeof service, "%d", (int)port);
    status = getaddrinfo(*address ? address : NULL, service, &hints, &found);
    if (status != 0)
        return err_set(err, ERR_ConfigInvalid, "The address '%s' is not known: %s", address,
                       gai_strerror(status));
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    status = fd < 0 ? -1 : bind(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (status < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &length) < 0) {
        err_set(err, ERR_ConfigInvalid, "Cannot listen on %s port %s: %s", address, service,
                strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    *ret_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)&bound)->sin_port);
    *ret_socket = fd;
    return true;
}
