#include "comm_inside.h"

#include <stdlib.h>
#include <string.h>

/* A launcher's variable that says how many processes it started, and one that it always sets with it, so that
 * the number in a shell inside an allocation is not taken for one of processes. */
typedef struct launcher {
    const char *size, *rank;
} launcher;

static const launcher launchers[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"}, /* Open MPI's mpirun */
    {"SLURM_STEP_NUM_TASKS", "PMIX_RANK"},            /* srun --mpi=pmix */
    {"SLURM_STEP_NUM_TASKS", "PMI_RANK"},             /* srun --mpi=pmi2 */
    {"PMI_SIZE", "PMI_RANK"},                         /* MPICH's, Intel's */
};

/* The one that started this process; NULL: none, or it is to work for itself. */
static const launcher *find_launcher(rt_get_variable *get)
{
    const char *wish = get("RETRAIN_MPI");
    if (wish && strcmp(wish, "off") == 0)
        return NULL;
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        if (get(launchers[i].size) && get(launchers[i].rank))
            return &launchers[i];
    return NULL;
}

static int number(const char *text, int least)
{
    long n = strtol(text, NULL, 10);
    return n < least ? least : n < INT32_MAX ? (int)n : INT32_MAX;
}

int rt__comm_promised(rt_get_variable *get)
{
    const launcher *found = find_launcher(get);
    return found ? number(get(found->size), 1) : 1;
}

int rt__comm_promised_rank(rt_get_variable *get)
{
    const launcher *found = find_launcher(get);
    return found ? number(get(found->rank), 0) : 0;
}

const char *rt__comm_environment(const char *name)
{
    return getenv(name);
}

static rt_code open_mpi(rt_comm *comm, int promised, rt_error *err)
{
    rt_code code = rt__comm_mpi(comm, err);
    if (code != RT_OK || comm->size == promised)
        return code;
    return rt_fail(
        err, RT_EUNSUPPORTED,
        "%d processes were started, but MPI sees %d: mpirun must be Open MPI's, which this program "
        "was built with; RETRAIN_MPI=off lets each of them work for itself",
        promised, comm->size);
}

rt_code rt__comm_open(rt_comm **comm, rt_error *err)
{
    int promised = rt__comm_promised(rt__comm_environment);
    rt_comm *c = calloc(1, sizeof *c);
    rt_code code;
    if (!c)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = promised > 1 ? open_mpi(c, promised, err) : rt__comm_serial(c, err);
    if (code == RT_OK)
        *comm = c;
    else
        rt__comm_close(c, true);
    return code;
}

void rt__comm_close(rt_comm *comm, bool orderly)
{
    if (!comm)
        return;
    if (comm->calls)
        comm->calls->close(comm, orderly);
    free(comm);
}
