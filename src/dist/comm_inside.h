/* What the files of this folder share. */
#ifndef RT_DIST_COMM_INSIDE_H
#define RT_DIST_COMM_INSIDE_H

#include "comm.h"

/* Each fills in a comm that is zero. */
rt_code rt__comm_serial(rt_comm *comm, rt_error *err);
/* RT_EUNSUPPORTED where it was built without MPI. */
rt_code rt__comm_mpi(rt_comm *comm, rt_error *err);

#endif
