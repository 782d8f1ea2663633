#include "comm_inside.h"

rt_code rt__comm_mpi(rt_comm *comm, rt_error *err)
{
    (void)comm;
    return rt_fail(
        err, RT_EUNSUPPORTED,
        "started by mpirun or srun with other processes, but built without MPI (-Dmpi=enabled), so "
        "that each would do all the work; RETRAIN_MPI=off lets them");
}
