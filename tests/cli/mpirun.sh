# Read by tests that start several processes, before drawn_photos.sh: the launcher, which is skipped aloud where the
# program was built without MPI or mpirun is missing.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_plm_rsh_agent=false OMPI_MCA_orte_abort_print_stack=0
command -v mpirun >/dev/null || { echo 'skipped: no mpirun (openmpi-bin)'; exit 77; }
# MPI's own leaks are not ours.
export LSAN_OPTIONS=detect_leaks=0
if OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 "$build/retrain" --image_dir . --tfhub_module . 2>&1 | grep -q 'built without MPI'; then
    echo 'skipped: built without MPI'
    exit 77
fi
