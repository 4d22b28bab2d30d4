/*
 * lab-echo: tells clients which address it sees.
 *
 *   lab-echo --tcp 8025 --udp 8053     (each may be given several times)
 *
 * TCP speaks the few SMTP-like words that the load generator needs: a 220 banner with this machine's name; WHOAMI is
 * answered with "502 ... client=[address]" as Postfix does here; QUIT ends; a session may stay open for ever.
 * UDP answers every datagram with "client=[address]", from the address it was sent to.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_FD = 65536, MAX_LINE = 256 };
enum kind { CLOSED, LISTENER, DATAGRAM, SESSION };

/* By descriptor; a session keeps the start of a line that has not ended yet. */
struct slot {
    enum kind kind;
    unsigned short used;
    char line[MAX_LINE];
};

static struct slot *slots;
static int poller;
static char name[64];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void stop(int sig) {
    (void)sig;
    _exit(0);
}

/* An IPv4 client of a dual-stack socket appears as ::ffff:a.b.c.d; clients know themselves by the short form. */
static const char *text(const struct sockaddr_in6 *a, char *out) {
    if (IN6_IS_ADDR_V4MAPPED(&a->sin6_addr))
        inet_ntop(AF_INET, &a->sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, &a->sin6_addr, out, INET6_ADDRSTRLEN);
    return out;
}

static void watch(int fd, enum kind kind) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    slots[fd].kind = kind;
    slots[fd].used = 0;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void open_port(int type, int port) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
    int on = 1, off = 0, fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) die("bind");
    if (type == SOCK_STREAM && listen(fd, 4096) < 0) die("listen");
    watch(fd, type == SOCK_STREAM ? LISTENER : DATAGRAM);
}

static void end(int fd) {
    slots[fd].kind = CLOSED;
    close(fd);
}

/* Replies are far smaller than an empty send buffer: one that does not fit means a client that never reads. */
static int say(int fd, const char *reply, size_t length) {
    if (send(fd, reply, length, MSG_NOSIGNAL) == (ssize_t)length) return 1;
    end(fd);
    return 0;
}

static int answer(int fd, const char *line) {
    char reply[MAX_LINE], address[INET6_ADDRSTRLEN];
    struct sockaddr_in6 peer;
    socklen_t size = sizeof peer;
    int length;
    if (strncasecmp(line, "WHOAMI", 6) == 0) {
        if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0) {
            end(fd);
            return 0;
        }
        length = snprintf(reply, sizeof reply, "502 5.5.2 command not recognized client=[%s]\r\n", text(&peer, address));
        return say(fd, reply, (size_t)length);
    }
    if (strncasecmp(line, "QUIT", 4) == 0) {
        if (say(fd, "221 bye\r\n", 9)) end(fd);
        return 0;
    }
    return say(fd, "250 ok\r\n", 8);
}

static void read_session(int fd) {
    struct slot *s = &slots[fd];
    ssize_t got = recv(fd, s->line + s->used, sizeof s->line - 1 - s->used, 0);
    char *start, *newline;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        end(fd);
        return;
    }
    s->used = (unsigned short)(s->used + got);
    s->line[s->used] = 0;
    for (start = s->line; (newline = strchr(start, '\n')); start = newline + 1)
        if (!answer(fd, start)) return;
    s->used = (unsigned short)strlen(start);
    memmove(s->line, start, s->used);
    /* A line longer than the buffer is nothing that a client of ours sends. */
    if (s->used == sizeof s->line - 1) end(fd);
}

static void accept_all(int listener) {
    char banner[96];
    int on = 1, fd, length = snprintf(banner, sizeof banner, "220 %s lab-echo\r\n", name);
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(fd, SESSION);
        say(fd, banner, (size_t)length);
    }
}

static void answer_datagrams(int fd) {
    for (;;) {
        char data[2048], address[INET6_ADDRSTRLEN], reply[96], control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct sockaddr_in6 peer;
        struct iovec part = {data, sizeof data};
        struct msghdr message = {&peer, sizeof peer, &part, 1, control, sizeof control, 0};
        struct cmsghdr *info;
        if (recvmsg(fd, &message, 0) < 0) return;
        part.iov_base = reply;
        part.iov_len = (size_t)snprintf(reply, sizeof reply, "client=[%s]\n", text(&peer, address));
        /* The same control message sends the answer from the address that was asked. The interface must stay open, */
        /* or it would overrule the routing that this lab is there to test. */
        info = CMSG_FIRSTHDR(&message);
        if (info && info->cmsg_type == IPV6_PKTINFO) ((struct in6_pktinfo *)CMSG_DATA(info))->ipi6_ifindex = 0;
        sendmsg(fd, &message, MSG_NOSIGNAL);
    }
}

int main(int argc, char **argv) {
    struct rlimit files = {MAX_FD, MAX_FD};
    struct epoll_event events[256];
    int i, n, ports = 0;

    /* As first process of a container there is no default action: without a handler `stop` would wait and kill. */
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    setrlimit(RLIMIT_NOFILE, &files);
    gethostname(name, sizeof name - 1);
    slots = calloc(MAX_FD, sizeof *slots);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!slots || poller < 0) die("start");

    for (i = 1; i + 1 < argc; i += 2) {
        int port = atoi(argv[i + 1]);
        if (strcmp(argv[i], "--tcp") == 0) open_port(SOCK_STREAM, port);
        else if (strcmp(argv[i], "--udp") == 0) open_port(SOCK_DGRAM, port);
        else break;
        ports++;
    }
    if (ports == 0 || i < argc) {
        fprintf(stderr, "usage: lab-echo (--tcp PORT | --udp PORT)...\n");
        return 2;
    }

    for (;;) {
        n = epoll_wait(poller, events, 256, -1);
        for (i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            switch (slots[fd].kind) {
            case LISTENER: accept_all(fd); break;
            case DATAGRAM: answer_datagrams(fd); break;
            case SESSION: read_session(fd); break;
            case CLOSED: break;
            }
        }
    }
}
