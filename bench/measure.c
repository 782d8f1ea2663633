/* measure COMMAND ... - runs a command and writes one line to standard error when it is done:
 *   measure: WALL_S CPU_S PEAK_MB
 * Wall and processor time in seconds, largest resident set in MB of 10^6 bytes.  Its exit status is the
 * command's. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

int main(int argc, char **argv)
{
    struct timespec start, end;
    struct rusage use;
    int status;
    pid_t child;
    if (argc < 2) {
        fprintf(stderr, "usage: measure COMMAND ...\n");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &start);
    child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &use) < 0) {
        perror("measure");
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    fprintf(stderr, "measure: %.3f %.3f %.1f\n",
            (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9,
            seconds(use.ru_utime) + seconds(use.ru_stime), (double)use.ru_maxrss * 1024 * 1e-6);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
