/*
 * First process of the mail container: starts Postfix and stops it in good order.
 *
 * On SIGTERM Postfix's master is ended first. Its children notice, take no new work and leave when what they do is
 * done: a delivery between writing the mailbox and marking the queue file as delivered is never cut, so no message
 * arrives twice. Whoever still sits in an idle session after GRACE is asked to go, and the container ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds. A delivery here takes a few; idle clients wait for nothing, so they need not be waited for long. */
enum { GRACE = 400, LAST_CALL = 150 };

static sigset_t awaited;

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until every other process of the container has ended, at most so many milliseconds. */
static int all_gone(long patience) {
    long deadline = now() + patience, left;
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
        if (errno == ECHILD) return 1;
        left = deadline - now();
        if (left <= 0) return 0;
        struct timespec wait = {left / 1000, left % 1000 * 1000000};
        sigtimedwait(&awaited, NULL, &wait);
    }
}

static pid_t start_master(void) {
    char *arguments[] = {"master", "-d", NULL};
    char *environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "MAIL_CONFIG=/etc/postfix", NULL};
    pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_UNBLOCK, &awaited, NULL);
        /* A group of its own: master signals its whole group when it ends. */
        setsid();
        execve("/usr/lib/postfix/sbin/master", arguments, environment);
        perror("master");
        _exit(1);
    }
    return child;
}

int main(void) {
    pid_t master, ended;
    int status;

    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &awaited, NULL);
    umask(022);

    master = start_master();
    for (;;) {
        int sig = sigwaitinfo(&awaited, NULL);
        if (sig == SIGTERM || sig == SIGINT) break;
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
            if (ended == master) {
                fprintf(stderr, "mail-init: Postfix ended by itself, status %d\n", status);
                return 1;
            }
    }

    kill(master, SIGKILL);
    if (all_gone(GRACE)) return 0;
    kill(-1, SIGTERM);
    all_gone(LAST_CALL);
    return 0;
}
