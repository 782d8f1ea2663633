#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

/* A handler can reach nothing but a variable of the file. */
static volatile sig_atomic_t received;

static const int signals[2] = {SIGINT, SIGTERM};

static void on_signal(int number)
{
    received = number;
}

static void set(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    struct sigaction old;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < 2; i++)
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
}

static void begin(void *user)
{
    (void)user;
    set(on_signal);
}

static bool asked(void *user)
{
    (void)user;
    return received != 0;
}

static void end(void *user)
{
    (void)user;
    set(SIG_DFL);
}

const rt_stop rt__interrupt = {begin, asked, end, NULL};

void rt__interrupt_end(void)
{
    if (received)
        raise((int)received);
}
